// The limits of the room `telemetry`. What grows with traffic or configuration ends here, is
// counted where it ends, and a test reaches it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace layotto::telemetry {

// Metrics of one process. Beyond them a series becomes the family's series `other`, a family
// becomes a cell nobody exports; layotto_telemetry_series_dropped_total{family} counts both.
struct MetricsLimits {
  size_t families_max = 1000;
  size_t series_per_family_max = 1000;
  // Over all families: each costs a few hundred bytes, a histogram about 600 per worker.
  size_t series_max = 20'000;
};
// Labels of one family; one with more is refused.
inline constexpr size_t kLabelsMax = 40;
// Bytes of one label value; longer ones are cut, so two that differ only later share a series.
inline constexpr size_t kLabelValueBytesMax = 256;
// Series read under one hold of the lock while scraping: bounds how long a worker that resolves a
// new series may wait.
inline constexpr size_t kSeriesPerLockMax = 64;

// Bytes of one line of the access log or the event log, its newline included. A longer line is cut
// in its values, keeps its form, and is counted (LineWriter::Counters::lines_cut).
inline constexpr size_t kLineBytesMax = 16 * 1024;
// Buffer of one LineWriter. When it is full and the sink takes nothing, the lines in it are dropped
// and counted (LogFile::Counters::lines_dropped).
inline constexpr size_t kLineBufferBytes = 64 * 1024;
// How long a line may wait in the buffer.
inline constexpr auto kFlushInterval = std::chrono::seconds(1);

// Operators of one access-log format; one with more is refused.
inline constexpr size_t kAccessLogOperatorsMax = 128;
// Bytes of one access-log format, and of what it always writes; a longer one is refused.
inline constexpr size_t kAccessLogFormatBytesMax = 4 * 1024;
// Bytes kept for every value of an access-log line: a long value takes what is left beyond these,
// so that a peer's endless path does not push the status out.
inline constexpr size_t kAccessLogValueBytesMin = 32;

// Modules with a log level of their own; later ones share the module `other` (Logger::Counters).
inline constexpr size_t kLogModulesMax = 256;
// Bytes of a module's name; longer ones are cut.
inline constexpr size_t kLogModuleNameBytesMax = 64;
// How often the same event of one module may be logged per second at warn and error; the rest is
// suppressed and summed up in one line. The default of LoggerOptions.
inline constexpr uint32_t kRepeatsPerSecondMax = 10;
// Events per module whose repeats are counted at the same time; the one quiet longest makes room.
inline constexpr size_t kRepeatingEventsMax = 16;

}  // namespace layotto::telemetry
