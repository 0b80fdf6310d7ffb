// ComponentKind: one kind of component that Layotto's configuration has, with the types Layotto
// knows. It tells a type that is not built yet from a word that was never one.
#pragma once

#include <span>
#include <string_view>

namespace layotto::settings {

struct ComponentKind {
  std::string_view section;                 // its key in Layotto's grpc_config: "pub_subs"
  std::string_view noun;                    // for messages: "pub/sub"
  std::span<const std::string_view> types;  // of Layotto; empty: any word may be one
};

// In the order Layotto starts them.
std::span<const ComponentKind> component_kinds();

// By section; the section exists.
const ComponentKind& component_kind(std::string_view section);

}  // namespace layotto::settings
