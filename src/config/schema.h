// Schema<T>: what a struct's settings are called, mean and may be. One line per setting; the
// default is the member's initial value. Everything else follows from it: reading with all errors
// of a file at once, "did you mean", the reference pages, the JSON schema for editors, printing
// without secrets.
//
//   struct RedisSettings {
//     std::string host;
//     uint16_t port = 6379;
//     Secret password;
//     Duration timeout = std::chrono::seconds(5);
//     static const config::Schema<RedisSettings>& schema();
//   };
//
//   const config::Schema<RedisSettings>& RedisSettings::schema() {
//     using S = RedisSettings;
//     static const auto& schema = config::Schema<S>::make(
//         "redis", "How to reach a Redis server.", [](config::Schema<S>& s) {
//           s.field("host", &S::host, "Host name or address.").required().non_empty();
//           s.field("port", &S::port, "TCP port.").min(1);
//           s.field("password", &S::password, "Password, empty for none.").alias("redisPassword");
//           s.field("timeout", &S::timeout, "Longest wait for a reply.").min(1ms);
//           s.ignored("enableTLS", "TLS follows from the address");
//           s.check([](const S& settings, config::Report& report) {
//             if (settings.port == 1) report.error("port", "port 1 is tcpmux", "use another");
//           });
//         });
//     return schema;
//   }
//
//   RedisSettings settings;
//   ParsePass pass{problems};
//   if (!RedisSettings::schema().parse(document.root(), settings, pass)) …
//
// Whether this is our own YAML or one of Layotto's files is `Strictness` in config/any_schema.h.
// The types a member may have are in config/values.h. Schemas are made once, on first use, and
// never freed: make() gives the reference for a function's static.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/any_schema.h"
#include "config/problem.h"
#include "config/values.h"

namespace layotto::config {

// What a limit is about: the innermost value of optionals, lists and maps.
template <class M>
struct LeafOf {
  using type = M;
};
template <class V>
struct LeafOf<std::optional<V>> : LeafOf<V> {};
template <class V>
struct LeafOf<std::vector<V>> : LeafOf<V> {};
template <class V>
struct LeafOf<std::map<std::string, V>> : LeafOf<V> {};
template <class V>
struct LeafOf<std::vector<std::pair<std::string, V>>> : LeafOf<V> {};
template <class M>
using Leaf = LeafOf<M>::type;

template <class M>
concept Ordered = (std::integral<M> && !std::same_as<M, bool>) || std::same_as<M, double> ||
                  std::same_as<M, Duration> || std::same_as<M, ByteSize>;
template <class M>
concept Textual = std::same_as<M, std::string> || std::same_as<M, Secret>;
template <class M>
concept Items = !std::same_as<M, Leaf<M>> && !std::same_as<M, std::optional<Leaf<M>>>;

// One setting: the member M T::*. Its functions add to its description while the schema is made.
template <class T, class M>
class Field final : public AnyField {
  using L = Leaf<M>;

 public:
  Field(std::string_view name, M T::* member, std::string_view doc) : member_(member) {
    description_.name = name;
    description_.doc = doc;
    description_.type = Values<M>::describe();
  }

  // Must be written.
  Field& required() {
    description_.required = true;
    return *this;
  }
  // Another name that is accepted: a former one, or that of a compatible product.
  Field& alias(std::string_view name) {
    description_.aliases.emplace_back(name);
    return *this;
  }
  // Accepted, but in no listing.
  Field& hidden() {
    description_.hidden = true;
    return *this;
  }

  Field& min(L bound)
    requires Ordered<L>
  {
    set_bound(description_.limits.min, description_.limits.number_min, bound);
    return *this;
  }
  Field& max(L bound)
    requires Ordered<L>
  {
    set_bound(description_.limits.max, description_.limits.number_max, bound);
    return *this;
  }
  // A text that is not "", or a list or map with something in it.
  Field& non_empty()
    requires(Items<M> || Textual<L>)
  {
    description_.limits.non_empty = true;
    return *this;
  }
  Field& items_max(size_t count)
    requires Items<M>
  {
    description_.limits.items_max = count;
    return *this;
  }
  // In bytes.
  Field& length_max(size_t bytes)
    requires Textual<L>
  {
    description_.limits.length_max = bytes;
    return *this;
  }
  Field& one_of(std::vector<std::string> choices)
    requires std::same_as<L, std::string>
  {
    description_.limits.one_of = std::move(choices);
    return *this;
  }
  // `name` says what it is, with its article: "a host:port".
  Field& format(std::string_view name, FormatCheck check)
    requires Textual<L>
  {
    description_.limits.format_name = name;
    description_.limits.format = check;
    return *this;
  }
  // Lenient reading only: what a number without unit counts.
  Field& unit_if_bare(Duration unit)
    requires std::same_as<L, Duration>
  {
    CHECK(unit.count() > 0, "a unit is positive");
    description_.limits.unit_if_bare = unit;
    return *this;
  }
  // Lenient reading only: a string is a list with `separator` between its items.
  Field& separated_by(char separator)
    requires std::same_as<M, std::vector<std::string>>
  {
    description_.limits.separator = separator;
    return *this;
  }

  bool read(const Node& node, void* object, ParsePass& pass) const override {
    return read_value(node, static_cast<T*>(object)->*member_, description_.limits, pass);
  }
  void show(const void* object, const Node* written, ValueSink& sink) const override {
    show_value(static_cast<const T*>(object)->*member_, written, sink);
  }

 private:
  static void set_bound(std::optional<Int128>& whole, std::optional<double>& number, L bound) {
    if constexpr (std::same_as<L, double>) {
      number = bound;
    } else if constexpr (std::same_as<L, Duration>) {
      whole = Int128{bound.count()};
    } else if constexpr (std::same_as<L, ByteSize>) {
      whole = Int128{bound.bytes};
    } else {
      whole = Int128{bound};
    }
  }

  M T::* member_;
};

template <class T>
class Schema final : public AnySchema {
 public:
  // Looks at the settings together, after each was read without a problem.
  using Rule = void (*)(const T& settings, Report& report);

  // `name` is one word, `summary` one sentence; `fill` declares the settings. The schema is never
  // freed.
  static const Schema& make(std::string_view name, std::string_view summary,
                            void (*fill)(Schema&)) {
    auto* schema = new Schema(name, summary);
    fill(*schema);
    schema->seal();
    return *schema;
  }

  template <class M>
  Field<T, M>& field(std::string_view name, M T::* member, std::string_view doc) {
    auto field = std::make_unique<Field<T, M>>(name, member, doc);
    Field<T, M>& declared = *field;
    add(std::move(field));
    return declared;
  }
  // A name that is accepted with a warning and means nothing; `reason` says why.
  void ignored(std::string_view name, std::string_view reason) { add_ignored(name, reason); }
  void check(Rule rule) { rules_.push_back(rule); }

  // Settings that are not written keep the value they have in `out`. False when problems were
  // added; `out` is then half read.
  bool parse(const Node& node, T& out, ParsePass& pass) const { return read(node, &out, pass); }

  // For whoever has one part of a document to read: the problems as one Error, warnings dropped.
  [[nodiscard]] Result<T> parse(const Node& node, Strictness strictness) const {
    Problems problems;
    ParsePass pass{problems, strictness};
    T out{};
    if (!parse(node, out, pass)) return problems.to_error();
    return out;
  }

  [[nodiscard]] const void* defaults() const override { return &defaults_; }
  [[nodiscard]] std::shared_ptr<void> new_object() const override { return std::make_shared<T>(); }

 private:
  Schema(std::string_view name, std::string_view summary) : AnySchema(name, summary) {}

  bool check_rules(const void* object, const Node& node, ParsePass& pass) const override {
    Report report(*this, node, pass);
    for (const Rule rule : rules_) rule(*static_cast<const T*>(object), report);
    return !report.has_errors();
  }

  T defaults_{};
  std::vector<Rule> rules_;
};

}  // namespace layotto::config
