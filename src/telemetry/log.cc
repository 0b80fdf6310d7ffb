#include "telemetry/log.h"

#include <algorithm>

namespace layotto::telemetry {
namespace {

constexpr std::array<std::string_view, 7> kLevelNames = {"trace", "debug",    "info", "warn",
                                                         "error", "critical", "off"};
constexpr std::string_view kOther = "other";
constexpr auto kRepeatWindow = std::chrono::seconds(1);
// What a cut line ends with.
constexpr std::string_view kCutMark = " cut=true";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Module names come from catalogues and configuration; they are written without quotes.
std::string module_name(std::string_view text) {
  std::string name(text.substr(0, kLogModuleNameBytesMax));
  for (char& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-' || c == '/';
    if (!fits) c = '_';
  }
  return name.empty() ? std::string(kOther) : name;
}

}  // namespace

std::string_view level_name(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

Result<Level> parse_level(std::string_view name) {
  const std::string wanted = lower(name);
  if (wanted == "warning") return Level::kWarn;
  if (wanted == "fatal") return Level::kCritical;
  const auto* const at = std::ranges::find(kLevelNames, wanted);
  if (at != kLevelNames.end()) return static_cast<Level>(at - kLevelNames.begin());
  return base::invalid_argument(
      "unknown log level '{}': known are trace, debug, info, warn, error, critical, off",
      name.substr(0, kLogModuleNameBytesMax));
}

void Log::write_enabled(Level level, LogName event, Fields fields) const {
  module_->logger_.write(*module_, level, event, fields);
}

// Brings "something waits" from any thread to the loop, and from there, a moment later, back.
class Logger::FlushTimer final : public async::Timer, public async::Posted {
 public:
  FlushTimer(Logger& logger, async::Loop& loop) : logger_(logger), loop_(&loop) {}

  // The logger's lock is held.
  void wake() {
    if (loop_ == nullptr || waking_) return;
    waking_ = true;
    loop_->post(static_cast<async::Posted&>(*this));
  }
  void detach() {
    loop_ = nullptr;
    cancel();
  }

 private:
  void run() override {
    const std::lock_guard lock(logger_.mutex_);
    arm();
  }
  void discard() override {
    const std::lock_guard lock(logger_.mutex_);
    waking_ = false;
  }
  void on_timer() override {
    const std::lock_guard lock(logger_.mutex_);
    if (logger_.flush_waiting())
      arm();
    else
      waking_ = false;
  }
  void arm() {
    if (loop_ != nullptr) loop_->arm(*this, loop_->now() + kFlushInterval);
  }

  Logger& logger_;
  async::Loop* loop_;    // nullptr: detached
  bool waking_ = false;  // posted or armed
};

Logger::Logger(LogFile& file, const Clock& clock, LoggerOptions options)
    : clock_(clock), options_(options), level_(options.level), writer_(file) {}

Logger::~Logger() {
  CHECK(flush_timer_ == nullptr || !flush_timer_->armed(), "flush_off() before the Logger goes");
  flush();
}

Log Logger::log(std::string_view module) {
  std::string name = module_name(module);
  const std::lock_guard lock(mutex_);
  auto found = modules_.find(name);
  if (found == modules_.end()) {
    // The last place is kept for `other`.
    if (modules_.size() + 1 >= kLogModulesMax && name != kOther) {
      counters_.modules_refused.add();
      name = kOther;
    }
    found = modules_.try_emplace(name).first;
    if (found->second == nullptr) {
      found->second = std::make_unique<LogModule>(*this, std::move(name), level_);
    }
  }
  return Log(*found->second);
}

void Logger::set_level(Level level) {
  const std::lock_guard lock(mutex_);
  level_ = level;
  for (auto& [name, module] : modules_) module->level_.store(level, std::memory_order_relaxed);
}

Status Logger::set_level(std::string_view module, Level level) {
  const std::lock_guard lock(mutex_);
  const auto found = modules_.find(module);
  if (found == modules_.end()) {
    return base::not_found("no log module '{}'", module.substr(0, kLogModuleNameBytesMax));
  }
  found->second->level_.store(level, std::memory_order_relaxed);
  return {};
}

std::vector<Logger::ModuleLevel> Logger::levels() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModuleLevel> all;
  all.reserve(modules_.size());
  for (const auto& [name, module] : modules_) all.push_back({name, module->level()});
  return all;
}

Line Logger::begin(const LogModule& module, Level level, std::string_view event) {
  Line line = writer_.begin();
  line.limit_to(kLineBytesMax - 1 - kCutMark.size());
  line.timestamp(clock_.wall_now());
  line.raw(' ');
  line.raw(level_name(level));
  line.raw(" module=");
  line.raw(module.name_);
  line.raw(" event=");
  line.raw(event);
  return line;
}

void Logger::commit(Line& line) {
  if (line.cut()) {
    line.limit_to(kLineBytesMax - 1);
    line.raw(kCutMark);
  }
  writer_.commit(line);
  counters_.events.add();
}

void Logger::write(LogModule& module, Level level, LogName event, Log::Fields fields) {
  const std::lock_guard lock(mutex_);
  if ((level == Level::kWarn || level == Level::kError) && !admit(module, level, event.text())) {
    return;
  }
  Line line = begin(module, level, event.text());
  for (const LogField& field : fields) {
    line.raw(' ');
    line.raw(field.key.text());
    line.raw('=');
    field.value.append_to(line);
    if (line.cut()) break;
  }
  commit(line);
  if (level >= Level::kInfo) writer_.flush();
  if (!writer_.empty()) flush_soon();
}

bool Logger::admit(LogModule& module, Level level, std::string_view event) {
  const TimePoint now = clock_.now();
  LogModule::Repeat& repeat = repeat_of(module, level, event);
  if (now - repeat.window >= kRepeatWindow) {
    sum_up(module, repeat);
    repeat.window = now;
    repeat.seen = 0;
  }
  if (repeat.seen < options_.repeats_per_second_max) {
    ++repeat.seen;
    return true;
  }
  if (repeat.suppressed++ == 0) ++repeats_suppressed_;
  counters_.suppressed.add();
  flush_soon();
  return false;
}

LogModule::Repeat& Logger::repeat_of(LogModule& module, Level level, std::string_view event) {
  LogModule::Repeat* oldest = module.repeats_.data();
  for (LogModule::Repeat& repeat : module.repeats_) {
    if (repeat.event == event && repeat.level == level) return repeat;
    if (repeat.window < oldest->window) oldest = &repeat;
  }
  sum_up(module, *oldest);
  *oldest = {.event = event, .level = level, .window = clock_.now()};
  return *oldest;
}

void Logger::sum_up(const LogModule& module, LogModule::Repeat& repeat) {
  if (repeat.suppressed == 0) return;
  Line line = begin(module, repeat.level, repeat.event);
  line.raw(" suppressed=");
  line.integer(repeat.suppressed);
  commit(line);
  repeat.suppressed = 0;
  --repeats_suppressed_;
}

void Logger::sum_up_all(TimePoint now, bool every) {
  if (repeats_suppressed_ == 0) return;
  for (auto& [name, module] : modules_) {
    for (LogModule::Repeat& repeat : module->repeats_) {
      if (every || now - repeat.window >= kRepeatWindow) sum_up(*module, repeat);
    }
  }
}

void Logger::flush() {
  const std::lock_guard lock(mutex_);
  sum_up_all(clock_.now(), true);
  writer_.flush();
}

bool Logger::flush_waiting() {
  sum_up_all(clock_.now(), false);
  writer_.flush();
  return !writer_.empty() || repeats_suppressed_ != 0;
}

void Logger::flush_on(async::Loop& loop) {
  const std::lock_guard lock(mutex_);
  CHECK(flush_timer_ == nullptr, "a Logger has one loop");
  flush_timer_ = std::make_unique<FlushTimer>(*this, loop);
  if (!writer_.empty() || repeats_suppressed_ != 0) flush_soon();
}

void Logger::flush_off() {
  const std::lock_guard lock(mutex_);
  if (flush_timer_ != nullptr) flush_timer_->detach();
}

void Logger::flush_soon() {
  if (flush_timer_ != nullptr) flush_timer_->wake();
}

}  // namespace layotto::telemetry
