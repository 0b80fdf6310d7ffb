#include "config/values.h"

#include "config/duration_text.h"

namespace layotto::config {

void Values<Duration>::show(Duration value, const Node*, ValueSink& sink) {
  sink.string(duration_text(value));
}

void Values<ByteSize>::show(ByteSize value, const Node*, ValueSink& sink) {
  sink.string(value.to_string());
}

}  // namespace layotto::config
