// Scope: a Shard and the labels everything below has in common. Whoever mounts a component hands it
// a scope, so that the component's metrics say which one they are of without its knowing:
//
//   Scope scope = Scope(shard).with("component", "orders-db").with("type", "state.redis");
//   scope.counter(kCommands, "GET");     // labels component, type, and the family's own: command
//
// A family is always used under scopes with the same label names; two sets are our bug (CHECK).
// A value; the shard outlives it. Label names are static text.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/shard.h"

namespace layotto::telemetry {

class Scope {
 public:
  explicit Scope(Shard& shard) : shard_(&shard) {}

  // The same scope with one more label. `name` is static text.
  [[nodiscard]] Scope with(std::string_view name, std::string value) const {
    CHECK(is_label_name(name), "a label name is made of letters, digits and '_'");
    Scope inner(*this);
    inner.names_.push_back(name);
    inner.values_.push_back(std::move(value));
    return inner;
  }
  [[nodiscard]] Shard& shard() const { return *shard_; }

  template <size_t N, class... V>
  [[nodiscard]] Counter& counter(const CounterFamily<N>& family, const V&... values) const {
    static_assert(sizeof...(V) == N, "one value per label of the family");
    return counter(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  template <size_t N, class... V>
  [[nodiscard]] Gauge& gauge(const GaugeFamily<N>& family, const V&... values) const {
    static_assert(sizeof...(V) == N, "one value per label of the family");
    return gauge(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  template <size_t N, class... V>
  [[nodiscard]] Histogram& histogram(const HistogramFamily<N>& family, const V&... values) const {
    static_assert(sizeof...(V) == N, "one value per label of the family");
    return histogram(family.spec(), std::array<std::string_view, N>{std::string_view(values)...});
  }
  [[nodiscard]] Counter& counter(const FamilySpec& spec,
                                 std::span<const std::string_view> values) const {
    const Joined all(*this, spec, values);
    return shard_->counter(all.spec, all.values);
  }
  [[nodiscard]] Gauge& gauge(const FamilySpec& spec,
                             std::span<const std::string_view> values) const {
    const Joined all(*this, spec, values);
    return shard_->gauge(all.spec, all.values);
  }
  [[nodiscard]] Histogram& histogram(const FamilySpec& spec,
                                     std::span<const std::string_view> values) const {
    const Joined all(*this, spec, values);
    return shard_->histogram(all.spec, all.values);
  }

 private:
  // The family with the scope's labels before its own.
  struct Joined {
    Joined(const Scope& scope, const FamilySpec& own, std::span<const std::string_view> own_values)
        : names(scope.names_), values(scope.values_.begin(), scope.values_.end()), spec(own) {
      names.insert(names.end(), own.labels.begin(), own.labels.end());
      values.insert(values.end(), own_values.begin(), own_values.end());
      spec.labels = names;
      const char* problem = problem_of(spec);
      CHECK(problem == nullptr, problem);
    }
    Joined(const Joined&) = delete;
    Joined& operator=(const Joined&) = delete;
    std::vector<std::string_view> names;
    std::vector<std::string_view> values;
    FamilySpec spec;
  };

  Shard* shard_;
  std::vector<std::string_view> names_;
  std::vector<std::string> values_;
};

}  // namespace layotto::telemetry
