#include "config/print.h"

#include "config/show_node.h"
#include "config/yaml_sink.h"

namespace layotto::config {

std::string print_node(const Node& node, const AnySchema* schema) {
  YamlSink sink;
  show_node(node, schema, sink);
  return sink.take();
}

std::string print_object(const AnySchema& schema, const void* object, const Node* written) {
  YamlSink sink;
  schema.show(object, written, sink);
  return sink.take();
}

}  // namespace layotto::config
