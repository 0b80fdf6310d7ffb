// The event log: one line per event, for people and for grep.
//
//   2026-01-02T03:04:05.678Z info module=http event=connection_closed peer=10.0.0.7:80 age=12.500ms
//
//   Logger logger(file, clock);                  // one per process
//   Log log = logger.log("http");                // once, in a constructor; a Log is one pointer
//   log.warn("store_failed", {{"store", name}, {"reason", error.message()}});
//
// warn = someone should act; nothing above debug is logged per request; secrets are kept out by the
// caller. An event below its module's level costs one relaxed load. Values with blanks, quotes, `=`
// or control characters are quoted and escaped, so an event is one line whatever a peer sent.
//
// Everything from info upwards is written at once; trace and debug are buffered (LineWriter) and
// follow within kFlushInterval when a loop was given by flush_on(). The same event of a module at
// warn or error more often than LoggerOptions::repeats_per_second_max is suppressed, and one line
// event=… suppressed=123 says so afterwards.
//
// Thread rules: Log and Logger may be used by any thread; writing takes a lock. The order of lines
// is the order of events.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/tally.h"
#include "telemetry/limits.h"
#include "telemetry/line_writer.h"
#include "telemetry/log_value.h"

namespace layotto::telemetry {

enum class Level : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };

// "warn"
std::string_view level_name(Level level);
// Takes the names above in any case, and the other names Layotto and Envoy have for them: warning,
// fatal. An Error lists what is known.
Result<Level> parse_level(std::string_view name);

class Logger;

// One module's level and what is known of its repeating events. Made by Logger, lives as long.
class LogModule {
 public:
  LogModule(Logger& logger, std::string name, Level level)
      : logger_(logger), name_(std::move(name)), level_(level) {}

  [[nodiscard]] Level level() const { return level_.load(std::memory_order_relaxed); }

 private:
  friend class Log;
  friend class Logger;
  struct Repeat {
    std::string_view event;  // static text
    Level level = Level::kOff;
    TimePoint window{};
    uint32_t seen = 0;
    uint64_t suppressed = 0;
  };

  Logger& logger_;
  const std::string name_;
  std::atomic<Level> level_;
  std::array<Repeat, kRepeatingEventsMax> repeats_;  // under the logger's lock
};

// A handle, copied freely; must not outlive its Logger. Default-constructed it says nothing.
class Log {
 public:
  using Fields = std::initializer_list<LogField>;
  Log() = default;

  [[nodiscard]] bool enabled(Level level) const {
    return module_ != nullptr && level >= module_->level();
  }
  void trace(LogName event, Fields fields = {}) const { write(Level::kTrace, event, fields); }
  void debug(LogName event, Fields fields = {}) const { write(Level::kDebug, event, fields); }
  void info(LogName event, Fields fields = {}) const { write(Level::kInfo, event, fields); }
  void warn(LogName event, Fields fields = {}) const { write(Level::kWarn, event, fields); }
  void error(LogName event, Fields fields = {}) const { write(Level::kError, event, fields); }
  void critical(LogName event, Fields fields = {}) const { write(Level::kCritical, event, fields); }
  // `level` is not kOff.
  void write(Level level, LogName event, Fields fields) const {
    if (enabled(level)) [[unlikely]]
      write_enabled(level, event, fields);
  }

 private:
  friend class Logger;
  explicit Log(LogModule& module) : module_(&module) {}
  void write_enabled(Level level, LogName event, Fields fields) const;
  LogModule* module_ = nullptr;
};

struct LoggerOptions {
  Level level = Level::kInfo;
  uint32_t repeats_per_second_max = kRepeatsPerSecondMax;
};

class Logger {
 public:
  Logger(LogFile& file, const Clock& clock, LoggerOptions options = {});
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  // Writes what is left.
  ~Logger();

  // The handle of a module, which is made when it is new: "http", "state.redis".
  Log log(std::string_view module);

  // The level of every module, and of those to come.
  void set_level(Level level);
  // The level of one; an Error when there is no such module.
  Status set_level(std::string_view module, Level level);
  struct ModuleLevel {
    std::string module;
    Level level;
  };
  [[nodiscard]] std::vector<ModuleLevel> levels() const;  // by name

  void flush();
  // Flushes buffered lines within kFlushInterval by timers of this loop, armed only while something
  // waits. Called once, on the loop's thread; flush_off() before the loop goes, on its thread or
  // after it has stopped. The Logger outlives the loop.
  void flush_on(async::Loop& loop);
  void flush_off();

  // Readable by any thread.
  struct Counters {
    base::Tally events;           // written
    base::Tally suppressed;       // repeats not written
    base::Tally modules_refused;  // log() calls beyond kLogModulesMax
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const LineWriter::Counters& line_counters() const { return writer_.counters(); }

 private:
  friend class Log;
  class FlushTimer;

  void write(LogModule& module, Level level, LogName event, Log::Fields fields);
  // The lock is held in these.
  bool admit(LogModule& module, Level level, std::string_view event);
  LogModule::Repeat& repeat_of(LogModule& module, Level level, std::string_view event);
  Line begin(const LogModule& module, Level level, std::string_view event);
  void commit(Line& line);
  void sum_up(const LogModule& module, LogModule::Repeat& repeat);
  void sum_up_all(TimePoint now, bool every);
  void flush_soon();
  // Of the timer: flushes, says whether something still waits.
  bool flush_waiting();

  const Clock& clock_;
  const LoggerOptions options_;
  mutable std::mutex mutex_;
  Level level_;                                                             // of modules to come
  std::map<std::string, std::unique_ptr<LogModule>, std::less<>> modules_;  // never erased
  LineWriter writer_;
  size_t repeats_suppressed_ = 0;  // Repeats whose summary is still to be written
  std::unique_ptr<FlushTimer> flush_timer_;
  Counters counters_;
};

}  // namespace layotto::telemetry
