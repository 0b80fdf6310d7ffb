#include "telemetry/line_writer.h"

#include <cstring>

namespace layotto::telemetry {

// Not cleared: pages that no line has reached cost nothing.
LineWriter::LineWriter(LogFile& file, async::Loop* loop)
    : file_(file), loop_(loop), buffer_(new char[kLineBufferBytes + Line::kSlackBytes]) {}

LineWriter::~LineWriter() {
  flush();
  if (used_ != 0) file_.count_dropped({buffer_.get(), used_});
}

void LineWriter::flush() {
  if (used_ == 0) return;
  const size_t taken = file_.write({buffer_.get(), used_});
  used_ -= taken;
  if (taken != 0 && used_ != 0) std::memmove(buffer_.get(), buffer_.get() + taken, used_);
}

void LineWriter::flush_if_due(TimePoint now) {
  if (now - last_flush_ < kFlushInterval) return;
  last_flush_ = now;
  flush();
}

void LineWriter::arm() {
  if (loop_ != nullptr && !armed()) loop_->arm(*this, loop_->now() + kFlushInterval);
}

void LineWriter::on_timer() {
  flush();
  if (used_ != 0) arm();
}

void LineWriter::make_room() {
  flush();
  if (kLineBufferBytes - used_ >= kLineBytesMax) return;
  file_.count_dropped({buffer_.get(), used_});
  used_ = 0;
}

}  // namespace layotto::telemetry
