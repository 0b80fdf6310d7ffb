// Catalog: the components this process can make, by block and type. Filled by app/catalog.cc, one
// line per component; holds components only.
#pragma once

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include "blocks/hello.h"
#include "blocks/spec.h"
#include "blocks/state.h"

namespace layotto::blocks {

class Catalog {
 public:
  template <class Block>
  void add(ComponentSpec<Block> spec) {
    auto& specs = list<Block>();
    CHECK(find<Block>(spec.type) == nullptr, "two components of a block have one name");
    for (const std::string_view alias : spec.aliases) {
      CHECK(find<Block>(alias) == nullptr, "two components of a block have one name");
    }
    const auto at = std::find_if(specs.begin(), specs.end(),
                                 [&](const ComponentSpec<Block>& s) { return s.type > spec.type; });
    specs.insert(at, std::move(spec));
  }

  // By type or alias; null when there is none. Valid as long as the catalogue is not changed.
  template <class Block>
  [[nodiscard]] const ComponentSpec<Block>* find(std::string_view type) const {
    for (const ComponentSpec<Block>& spec : all<Block>()) {
      if (spec.type == type) return &spec;
      for (const std::string_view alias : spec.aliases) {
        if (alias == type) return &spec;
      }
    }
    return nullptr;
  }

  // Sorted by type.
  template <class Block>
  [[nodiscard]] const std::vector<ComponentSpec<Block>>& all() const {
    return std::get<std::vector<ComponentSpec<Block>>>(specs_);
  }

 private:
  template <class Block>
  std::vector<ComponentSpec<Block>>& list() {
    return std::get<std::vector<ComponentSpec<Block>>>(specs_);
  }

  std::tuple<std::vector<ComponentSpec<StateStore>>, std::vector<ComponentSpec<Hello>>> specs_;
};

}  // namespace layotto::blocks
