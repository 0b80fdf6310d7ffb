#include "blocks/catalog.h"

#include <gtest/gtest.h>

namespace layotto::blocks {
namespace {

ComponentSpec<StateStore> state(std::string_view type, std::vector<std::string_view> aliases = {}) {
  ComponentSpec<StateStore> spec;
  spec.type = type;
  spec.aliases = std::move(aliases);
  return spec;
}

TEST(Catalog, FindsByTypeAndAlias) {
  Catalog catalog;
  catalog.add(state("redis"));
  catalog.add(state("memory", {"in-memory"}));
  ASSERT_NE(catalog.find<StateStore>("memory"), nullptr);
  EXPECT_EQ(catalog.find<StateStore>("in-memory"), catalog.find<StateStore>("memory"));
  EXPECT_EQ(catalog.find<StateStore>("mem"), nullptr);
  EXPECT_EQ(catalog.find<Hello>("redis"), nullptr) << "each block has a list of its own";
}

TEST(Catalog, ListsByType) {
  Catalog catalog;
  for (const char* type : {"redis", "embedded", "memory"}) catalog.add(state(type));
  std::vector<std::string_view> types;
  for (const auto& spec : catalog.all<StateStore>()) types.push_back(spec.type);
  EXPECT_EQ(types, (std::vector<std::string_view>{"embedded", "memory", "redis"}));
}

TEST(CatalogDeathTest, ANameIsThereOnce) {
  Catalog catalog;
  catalog.add(state("memory", {"in-memory"}));
  EXPECT_DEATH(catalog.add(state("memory")), "one name");
  EXPECT_DEATH(catalog.add(state("in-memory")), "one name");
  EXPECT_DEATH(catalog.add(state("redis", {"memory"})), "one name");
}

}  // namespace
}  // namespace layotto::blocks
