// Layotto's listeners: the one with the network filter `grpc` serves our API, the one with the
// stream filter `actuator_filter` is our admin listener, all others need what is not built yet.
#include <algorithm>

#include "base/nearest_name.h"
#include "config/schema.h"
#include "net/address.h"
#include "settings/layotto_keys.h"

namespace layotto::settings {

struct ListenerDraft {
  ListenerSettings settings;
  const config::Node* address = nullptr;
  const config::Node* network = nullptr;
  bool serves_api = false;  // else it is the actuator
  bool is_opened = true;
  bool is_guarded = false;  // by something that is not built: without it, it would be too open
};

namespace {

using config::Node;

template <class M>
bool read(const Node& node, M& out, Translation& t) {
  return config::read_value(node, out, config::Limits{}, t.pass);
}

// ---- filters

void translate_flow_control(Translation& t, const Node& filter) {
  const Node* config = find_any_case(filter, "config");
  const Node* on = config == nullptr ? nullptr : find_any_case(*config, "global_switch");
  if (on == nullptr || is_empty_value(*on)) return;
  t.unbuilt.add(*find_any_case(filter, "type"), "flow control (flowControlFilter)");
}

// Keeps people out. Whoever starts without it starts without the listener.
void leave_out_listener(Translation& t, const Node& filter) {
  const Node& type = *find_any_case(filter, "type");
  t.unbuilt.add(type, fmt::format("a listener with access control ({})", type.text()));
  t.listener->is_guarded = true;
}

void translate_tcpcopy(Translation& t, const Node& filter) {
  const Node* config = find_any_case(filter, "config");
  const Node* strategy = config == nullptr ? nullptr : find_any_case(*config, "strategy");
  const Node* on = strategy == nullptr ? nullptr : find_any_case(*strategy, "switch");
  if (on == nullptr || on->text() != "ON") return;
  t.unbuilt.add(*find_any_case(filter, "type"), "the traffic dump (tcpcopy)");
}

constexpr std::string_view kFunctions = "running functions in WASM";
constexpr std::string_view kMesh = "a filter of the mesh";
constexpr std::string_view kGuard = "access control; its listener is not opened without it";

constexpr KeyRule kStreamFilterTypes[] = {
    {"grpc_metric", Fate::kTranslated, "nothing: calls are always counted"},
    {"actuator_filter", Fate::kTranslated, "`admin`, the address of its listener"},
    {"flowControlFilter", Fate::kUnbuilt, "flow control, unless `global_switch` is false",
     translate_flow_control},
    {"Layotto", Fate::kUnbuilt, kFunctions},
    {"wasm_filter", Fate::kUnbuilt, kFunctions},
    {"proxywasm", Fate::kUnbuilt, "filters in WASM"},
    {"dsl", Fate::kUnbuilt, kMesh},
    {"dubbo_stream", Fate::kUnbuilt, kMesh},
    {"fault", Fate::kUnbuilt, kMesh},
    {"fault_tolerance", Fate::kUnbuilt, kMesh},
    {"gzip", Fate::kUnbuilt, kMesh},
    {"header_to_metadata", Fate::kUnbuilt, kMesh},
    {"ip_access", Fate::kUnbuilt, kGuard, leave_out_listener},
    {"istio.stats", Fate::kUnbuilt, kMesh},
    {"jwt_authn", Fate::kUnbuilt, kGuard, leave_out_listener},
    {"mirror", Fate::kUnbuilt, kMesh},
    {"mixer", Fate::kUnbuilt, kMesh},
    {"payload_limit", Fate::kUnbuilt, kMesh},
    {"rbac", Fate::kUnbuilt, kGuard, leave_out_listener},
    {"seata", Fate::kUnbuilt, kMesh},
    {"transcoder", Fate::kUnbuilt, kMesh},
};
constexpr KeyTable kStreamFilters{"servers[].listeners[].stream_filters[] of type ",
                                  kStreamFilterTypes};

void check_server_name(Translation& t, const Node& value) {
  std::string name;
  if (!read(value, name, t) || name == "runtime") return;
  t.pass.problems.error(value, fmt::format("there is no gRPC server {}", shown(value)),
                        "write \"runtime\"");
}

constexpr KeyRule kGrpcKeys[] = {
    {"server_name", Fate::kTranslated, "nothing: it is `runtime`", check_server_name},
    {"grpc_config", Fate::kTranslated, "see below", translate_grpc_config},
    {"graceful_stop_timeout", Fate::kTranslated, "`drain_timeout`", translate_drain_timeout},
};
constexpr KeyTable kGrpc{"….filters[] of type grpc: config.", kGrpcKeys};

void translate_grpc(Translation& t, const Node& filter) {
  if (const Node* config = find_any_case(filter, "config"); config != nullptr) {
    translate_keys(*config, kGrpc, t);
  }
}

void translate_proxy(Translation& t, const Node& filter) {
  // On the actuator's listener it only hands requests to the actuator.
  if (t.listener->serves_api) t.unbuilt.add(*find_any_case(filter, "type"), "proxying (proxy)");
}

constexpr KeyRule kNetworkFilterTypes[] = {
    {"grpc", Fate::kTranslated, "an API listener, see below", translate_grpc},
    {"proxy", Fate::kUnbuilt, "proxying; nothing to do on the actuator's listener",
     translate_proxy},
    {"tcpcopy", Fate::kUnbuilt, "the traffic dump, unless its `switch` is off", translate_tcpcopy},
    {"connection_manager", Fate::kUnbuilt, kMesh},
    {"fault_inject", Fate::kUnbuilt, kMesh},
    {"rpc_proxy", Fate::kUnbuilt, kMesh},
    {"tcp_proxy", Fate::kUnbuilt, kMesh},
    {"tunnel", Fate::kUnbuilt, kMesh},
    {"udp_proxy", Fate::kUnbuilt, kMesh},
    {"x_proxy", Fate::kUnbuilt, kMesh},
};
constexpr KeyTable kNetworkFilters{"servers[].listeners[].filter_chains[].filters[] of type ",
                                   kNetworkFilterTypes};

// ---- filter chains

constexpr std::string_view kTls =
    "a listener with TLS as MOSN writes it (our own YAML has listeners[].tls)";

void translate_tls(Translation& t, const Node& value) {
  const Node* status = find_any_case(value, "status");
  if (status == nullptr || is_empty_value(*status)) return;
  t.unbuilt.add(value, std::string(kTls));
  t.listener->is_guarded = true;
}

void translate_tls_set(Translation& t, const Node& value) {
  for (const Node* tls : list_items(value, t)) translate_tls(t, *tls);
}

constexpr KeyRule kChainKeys[] = {
    {"filters", Fate::kTranslated, "see their types",
     [](Translation& t, const Node& value) { translate_filters(value, kNetworkFilters, t); }},
    {"match", Fate::kNoMeaning, "MOSN does not use it either"},
    {"tls_context", Fate::kUnbuilt, kTls, translate_tls},
    {"tls_context_set", Fate::kUnbuilt, kTls, translate_tls_set},
};
constexpr KeyTable kChain{"servers[].listeners[].filter_chains[].", kChainKeys};

// ---- listeners

void take_bind_port(Translation& t, const Node& value) { read(value, t.listener->is_opened, t); }

void take_idle_timeout(Translation& t, const Node& value) {
  read(value, t.listener->settings.idle_timeout, t);
}

void translate_chains(Translation& t, const Node& value) {
  for (const Node* chain : list_items(value, t)) translate_keys(*chain, kChain, t);
}

constexpr KeyRule kListenerKeys[] = {
    {"name", Fate::kTranslated, "`listeners[].name`",
     [](Translation& t, const Node& value) { read(value, t.listener->settings.name, t); }},
    {"address", Fate::kTranslated, "`listeners[].address`",
     [](Translation& t, const Node& value) { t.listener->address = &value; }},
    {"network", Fate::kTranslated, "`listeners[].address`: `unix` makes it `unix:/path`",
     [](Translation& t, const Node& value) { t.listener->network = &value; }},
    {"bind_port", Fate::kTranslated, "nothing; a listener with `false` is not opened",
     take_bind_port},
    {"connection_idle_timeout", Fate::kTranslated, "`listeners[].idle_timeout`", take_idle_timeout},
    {"filter_chains", Fate::kTranslated, "see below", translate_chains},
    {"stream_filters", Fate::kTranslated, "see their types",
     [](Translation& t, const Node& value) { translate_filters(value, kStreamFilters, t); }},
    {"type", Fate::kTranslated, "nothing: ingress and egress are served alike"},
    {"access_logs", Fate::kNoMeaning,
     "its format has names of MOSN's; our own YAML has access_log"},
    {"inspector", Fate::kNoMeaning, "it matters with TLS only"},
    {"listener_filters", Fate::kUnbuilt, "listener filters"},
    {"use_original_dst", Fate::kUnbuilt, "taking redirected connections (use_original_dst)"},
    {"tunnel_listener", Fate::kUnbuilt, "tunnels"},
};
constexpr KeyTable kListener{"servers[].listeners[].", kListenerKeys};

// "localhost" and hosts left out, as Go resolves them; other names are not looked up.
std::string with_ip(std::string_view address) {
  constexpr std::string_view kLocal = "localhost:";
  if (address.starts_with(kLocal)) {
    return "127.0.0.1:" + std::string(address.substr(kLocal.size()));
  }
  if (address.starts_with(':')) return "0.0.0.0" + std::string(address);
  return std::string(address);
}

// False: a problem was added.
bool read_address(const Node& listener, Translation& t) {
  ListenerDraft& draft = *t.listener;
  std::string network = "tcp";
  if (draft.network != nullptr && !read(*draft.network, network, t)) return false;
  if (base::equal_but_case(network, "udp")) {
    t.unbuilt.add(*draft.network, "listening on UDP");
    return false;
  }
  const bool is_unix = base::equal_but_case(network, "unix");
  if (!is_unix && !network.empty() && !base::equal_but_case(network, "tcp")) {
    t.pass.problems.error(*draft.network,
                          fmt::format("there is no network {}", shown(*draft.network)),
                          "write tcp or unix");
    return false;
  }
  if (draft.address == nullptr) {
    t.pass.problems.error(listener, "a listener has no address", "add \"address\"");
    return false;
  }
  std::string text;
  if (!read(*draft.address, text, t)) return false;
  text = is_unix ? "unix:" + text : with_ip(text);
  if (const Result<net::Address> parsed = net::Address::parse(text); !parsed.ok()) {
    t.pass.problems.error(*draft.address,
                          draft.address->from_reference()
                              ? std::string("wants an address")
                              : fmt::format("wants an address, found {}: {}", shown(*draft.address),
                                            parsed.error().message()),
                          is_unix ? "write the path of a socket" : "write ip:port");
    return false;
  }
  draft.settings.address = std::move(text);
  return true;
}

bool has_filter(const Node* filters, std::string_view type) {
  if (filters == nullptr || !filters->is_sequence()) return false;
  const auto items = filters->children();
  return std::any_of(items.begin(), items.end(), [type](const Node* filter) {
    const Node* found = find_any_case(*filter, "type");
    return found != nullptr && base::equal_but_case(found->text(), type);
  });
}

bool has_network_filter(const Node& listener, std::string_view type) {
  const Node* chains = find_any_case(listener, "filter_chains");
  if (chains == nullptr || !chains->is_sequence()) return false;
  const auto items = chains->children();
  return std::any_of(items.begin(), items.end(), [type](const Node* chain) {
    return has_filter(find_any_case(*chain, "filters"), type);
  });
}

void say_unbuilt(const Node& listener, Translation& t) {
  const Node* filters = find_any_case(listener, "stream_filters");
  const bool functions = has_filter(filters, "Layotto") || has_filter(filters, "wasm_filter");
  const Node* name = find_any_case(listener, "name");
  const bool named = name != nullptr && name->kind() == config::Kind::kString;
  t.unbuilt.add(named ? *name : listener,
                fmt::format("the listener{} ({})", named ? " " + shown(*name) : std::string(),
                            functions ? kFunctions : "proxying"));
}

void add_api_listener(const Node& node, ListenerDraft draft, Translation& t) {
  t.config.listeners.push_back(std::move(draft.settings));
  t.places.listeners.push_back(&node);
}

void set_admin_listener(const Node& node, ListenerDraft draft, Translation& t) {
  if (t.places.admin != nullptr) {
    t.pass.problems.error(node, "a second listener for the actuator", "remove one of them");
    return;
  }
  t.config.admin = std::move(draft.settings);
  t.places.admin = &node;
}

}  // namespace

std::span<const KeyTable> listener_tables() {
  static constexpr KeyTable kTables[] = {kListener, kChain, kNetworkFilters, kGrpc, kStreamFilters};
  return kTables;
}

void translate_listener(const Node& node, Translation& t) {
  if (mapping_items(node, t).empty()) return;
  ListenerDraft draft;
  draft.serves_api = has_network_filter(node, "grpc");
  const Node* stream_filters = find_any_case(node, "stream_filters");
  if (!draft.serves_api && !has_filter(stream_filters, "actuator_filter")) {
    return say_unbuilt(node, t);
  }
  t.listener = &draft;
  translate_keys(node, kListener, t);
  const bool good = read_address(node, t);
  t.listener = nullptr;
  if (!draft.is_opened) {
    t.pass.problems.warning(node, "the listener is not opened: its bind_port is false",
                            "write true");
    return;
  }
  const bool left_out = draft.is_guarded && t.unbuilt.skips();
  t.serves_api = t.serves_api || (draft.serves_api && !left_out);
  if (!good || left_out) return;
  if (draft.serves_api) {
    add_api_listener(node, std::move(draft), t);
  } else {
    set_admin_listener(node, std::move(draft), t);
  }
}

}  // namespace layotto::settings
