// Durations as people write them: `5s`, `100ms`, `1m30s`, `1.5h`. The grammar is Go's
// (time.ParseDuration), so that Layotto's files mean the same here: units ns, us, µs, ms, s, m, h,
// in any order, fractions, a sign; 0 needs no unit.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace layotto::config {

// Within ±292 years; what is below a nanosecond is cut off. INVALID_ARGUMENT says what is wrong,
// without the text.
Result<Duration> parse_duration(std::string_view text);

// The shortest whole-number form: "1m30s", "100ms", "0s". parse_duration gives the value back.
std::string duration_text(Duration duration);

}  // namespace layotto::config
