#include <fmt/core.h>

#include "tests/attacks/script.h"
#include "tests/attacks/script_parts.h"

namespace layotto::attacks {
namespace {

using Scripts = std::vector<Script>;

const std::string& quiet() {
  static const std::string greeting = wire::settings();
  return greeting;
}
const std::string& generous() {
  static const std::string greeting = open_windows();
  return greeting;
}

// ---- good clients, to compare with

Scripts good() {
  return {
      {.name = "good_calls",
       .greeting = generous(),
       .round = [](uint32_t n) { return call(n); },
       .rounds = 500,
       .connections = 20,
       .until = Until::kAnswered},
      {.name = "good_connections",
       .greeting = generous(),
       .round = [](uint32_t n) { return call(n); },
       .connections = 500,
       .until = Until::kAnswered},
      {.name = "good_large_answers",
       .greeting = generous(),
       .round = [](uint32_t n) { return call(n, "big"); },
       .rounds = 50,
       .connections = 4,
       .until = Until::kAnswered},
  };
}

// ---- resets

// CVE-2023-44487 and what became of it: the streams are open, what ends them comes from `end`.
Script resets(const char* name, std::function<std::string(uint32_t)> round) {
  return {.name = name,
          .greeting = quiet(),
          .round = std::move(round),
          .rounds = 400,
          .connections = 20,
          .until = Until::kClosed};
}

Scripts resetting() {
  return {
      resets("rapid_reset",
             [](uint32_t n) { return call_head(n, kOpen) + wire::rst_stream(id(n)); }),
      resets("rapid_reset_of_whole_calls",
             [](uint32_t n) { return call(n) + wire::rst_stream(id(n)); }),
      resets("rapid_reset_of_watches",
             [](uint32_t n) {
               return call_head(n, kOpen, kWatch) + wire::data(id(n), "\0\0\0\0\0"s) +
                      wire::rst_stream(id(n));
             }),
      // CVE-2025-8671, MadeYouReset: the server is made to do it.
      resets("provoked_by_window_update_of_zero",
             [](uint32_t n) { return call_head(n, kOpen) + wire::window_update(id(n), 0); }),
      resets(
          "provoked_by_window_overflow",
          [](uint32_t n) { return call_head(n, kOpen) + wire::window_update(id(n), kWindowMax); }),
      resets("provoked_by_data_after_the_end",
             [](uint32_t n) {
               return call_head(n, kOpen, kWatch) + wire::data(id(n), "\0\0\0\0\0"s) +
                      wire::data(id(n), "x", wire::kNoFlags);
             }),
      resets("provoked_by_headers_after_the_end",
             [](uint32_t n) {
               return call_head(n, kOpen, kWatch) + wire::data(id(n), "\0\0\0\0\0"s) +
                      wire::headers(id(n), wire::hpack_literal("a", "b"));
             }),
      resets("provoked_by_priority_of_wrong_length",
             [](uint32_t n) {
               return call_head(n, kOpen) + wire::frame(wire::kPriority, 0, id(n), "1234");
             }),
      resets("provoked_by_content_length",
             [](uint32_t n) {
               return wire::headers(id(n),
                                    call_block(kGetState, n == 0) +
                                        wire::hpack_literal("content-length", "1"),
                                    kOpen) +
                      wire::data(id(n), "two", wire::kNoFlags);
             }),
      resets("provoked_by_a_second_head",
             [](uint32_t n) {
               return call_head(n, kOpen) +
                      wire::headers(id(n), wire::hpack_literal("a", "b"), kOpen);
             }),
      resets("provoked_by_malformed_heads",
             [](uint32_t n) { return wire::headers(id(n), wire::hpack_indexed(4)); }),
      {.name = "streams_beyond_the_limit",
       .greeting = quiet(),
       .round = [](uint32_t n) { return call_head(n, kOpen); },
       .rounds = 1400,
       .connections = 10,
       .until = Until::kClosed},
      // What follows a reset on its stream is ignored, but not for ever.
      {.name = "data_on_a_stream_that_was_reset",
       .greeting = quiet(),
       .round =
           [](uint32_t n) {
             if (n > 0) return wire::data(1, "x", wire::kNoFlags);
             return call_head(0, kOpen) + wire::window_update(1, 0);
           },
       .rounds = 4000,
       .connections = 10,
       .until = Until::kClosed},
      {.name = "headers_on_a_stream_that_was_reset",
       .greeting = quiet(),
       .round =
           [](uint32_t n) {
             if (n > 0) return wire::headers(1, wire::hpack_literal("a", "b"));
             return call_head(0, kOpen) + wire::window_update(1, 0);
           },
       .rounds = 4000,
       .connections = 10,
       .until = Until::kClosed},
  };
}

// ---- header blocks

Script continuations(const char* name, std::string payload, uint32_t rounds) {
  return {.name = name,
          .greeting = quiet(),
          .round =
              [payload = std::move(payload)](uint32_t n) {
                return n == 0 ? wire::headers(1, call_block(kGetState, true), wire::kEndStream)
                              : wire::continuation(1, payload, wire::kNoFlags);
              },
          .rounds = rounds,
          .connections = 20,
          .until = Until::kClosed};
}

// A table entry of 4 KB, and a head that names it `times`.
std::string bomb(uint32_t n, size_t times) {
  std::string block;
  if (n == 0) {
    block = call_block(kGetState, true) + wire::hpack_literal_indexed("x", std::string(3500, 'y'));
  } else {
    for (int i = 6; i > 0; --i) block += wire::hpack_indexed(62 + static_cast<unsigned>(i));
  }
  return block + repeated(wire::hpack_indexed(62), times);
}

Script bombs_held(const char* name, size_t times) {
  return {.name = name,
          .greeting = generous(),
          .round =
              [times](uint32_t n) {
                return wire::headers(
                    id(n), bomb(n, times) + wire::hpack_literal("n", fmt::format("{}", n)), kOpen);
              },
          .rounds = 900,
          .connections = 4,
          .hold = true};
}

// A field whose value is coded like this.
std::string huffman_block(std::string_view coded) {
  return "\x00\x01x"s + wire::hpack_integer(coded.size(), 7, 0x80) + std::string(coded);
}

Scripts header_blocks() {
  return {
      continuations("continuation_without_end", std::string(16'000, '\x88'), 40),
      continuations("continuation_empty", "", 2000),
      continuations("continuation_of_one_byte", "\x88", 2000),
      {.name = "continuation_huge_block",
       .greeting = quiet(),
       .round =
           [](uint32_t n) {
             std::string bytes = wire::headers(id(n), call_block(kGetState, n == 0), 1);
             const std::string field = wire::hpack_literal("x", std::string(4000, 'y'));
             for (int i = 0; i < 30; ++i) {
               bytes += wire::continuation(id(n), field, i == 29 ? wire::kEndHeaders : 0);
             }
             return bytes;
           },
       .rounds = 4,
       .connections = 10,
       .until = Until::kAnswered},
      {.name = "header_bomb",
       .greeting = quiet(),
       .round = [](uint32_t n) { return wire::headers(id(n), bomb(n, 12'000)); },
       .connections = 20,
       .until = Until::kClosed},
      // Just above the limit: refused one by one.
      {.name = "header_bomb_small",
       .greeting = generous(),
       .round = [](uint32_t n) { return wire::headers(id(n), bomb(n, 30), kOpen); },
       .rounds = 300,
       .connections = 10,
       .until = Until::kAnswered},
      // Each stream that stays open holds its head; every one a little different, so that none is
      // the one before. First with much to hold, then with as much as is taken.
      bombs_held("header_bomb_held", 17),
      bombs_held("header_bomb_held_within_the_limit", 2),
      {.name = "table_thrashing",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             std::string block = wire::hpack_table_size(0) + wire::hpack_table_size(4096) +
                                 call_block(kGetState, true);
             for (int i = 0; i < 100; ++i) {
               block += wire::hpack_literal_indexed(fmt::format("n{}", i), fmt::format("{}", n));
             }
             return wire::headers(id(n), block, kOpen) + wire::data(id(n), get_state("small"));
           },
       .rounds = 100,
       .connections = 10,
       .until = Until::kAnswered},
      {.name = "table_size_updates",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             return wire::headers(
                        id(n),
                        repeated(wire::hpack_table_size(0) + wire::hpack_table_size(4096), 3000) +
                            call_block(kGetState, true),
                        kOpen) +
                    wire::data(id(n), get_state("small"));
           },
       .rounds = 20,
       .connections = 10,
       .until = Until::kAnswered},
      // Entries that push all others out, one after the other.
      {.name = "table_evictions",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             std::string block = call_block(kGetState, true);
             for (int i = 0; i < 120; ++i) block += wire::hpack_literal_indexed("", "");
             block += wire::hpack_literal_indexed("x", std::string(4063, 'y'));
             return wire::headers(id(n), block, kOpen);
           },
       .rounds = 50,
       .connections = 10},
      // No two heads are alike: nothing that was remembered helps.
      {.name = "heads_all_different",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             return wire::headers(id(n),
                                  call_block(kGetState, n == 0) +
                                      wire::hpack_literal("x", fmt::format("{}", n)),
                                  kOpen) +
                    wire::data(id(n), get_state("small"));
           },
       .rounds = 500,
       .connections = 20,
       .until = Until::kAnswered},
      // The shortest codes: the most text per byte. Then the longest: the deepest walk.
      {.name = "huffman_short_codes",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             return wire::headers(
                 id(n), call_block(kGetState, n == 0) + huffman_block(std::string(15'000, '\0')),
                 kOpen);
           },
       .rounds = 20,
       .connections = 10},
      {.name = "huffman_long_codes",
       .greeting = generous(),
       .round =
           [](uint32_t n) {
             // 0xfe and 0xff 0xff 0xff … 0xe..: 4 codes of 28 bits are 14 bytes ("\x02" to "\x05").
             const std::string codes = "\xff\xff\xfe\x2f\xff\xff\xe3\xff\xff\xfe\x4f\xff\xff\xe5"s;
             return wire::headers(
                 id(n), call_block(kGetState, n == 0) + huffman_block(repeated(codes, 1000)),
                 kOpen);
           },
       .rounds = 14,
       .connections = 10},
      {.name = "compression_broken",
       .greeting = quiet(),
       .round = [](uint32_t n) { return wire::headers(id(n), wire::hpack_indexed(4000)); },
       .connections = 200,
       .until = Until::kClosed},
  };
}

// ---- windows

// A call whose answer is a megabyte.
std::string big_call(uint32_t n) { return call(n, "big"); }

Scripts windows() {
  const std::string shut =
      wire::settings({{wire::kInitialWindowSize, 0}}) + wire::window_update(0, kWindowMax - 65'535);
  wire::Settings full;
  for (uint32_t i = 0; i < 32; ++i) full.emplace_back(wire::kInitialWindowSize, i % 2);
  return {
      {.name = "window_overflow_of_the_connection",
       .greeting = quiet(),
       .round = [](uint32_t) { return wire::window_update(0, kWindowMax); },
       .connections = 200,
       .until = Until::kClosed},
      {.name = "window_overflow_by_settings",
       .greeting = quiet(),
       .round =
           [](uint32_t n) {
             return call_head(n, kOpen) + wire::window_update(id(n), 1) +
                    wire::settings({{wire::kInitialWindowSize, kWindowMax}});
           },
       .connections = 200,
       .until = Until::kClosed},
      // Windows below zero while answers wait; in the end they open, and all answers come.
      {.name = "window_negative",
       .greeting = generous() + wire::settings({{wire::kInitialWindowSize, 100'000}}),
       .round =
           [](uint32_t n) {
             if (n < 10) return big_call(n);
             if (n == 209) return wire::settings({{wire::kInitialWindowSize, 2'000'000}});
             return wire::settings({{wire::kInitialWindowSize, n % 2 == 0 ? 0U : 150'000U}});
           },
       .rounds = 210,
       .connections = 4,
       .until = Until::kAnswered},
      {.name = "window_shut",
       .greeting = shut,
       .round = big_call,
       .rounds = 900,
       .connections = 4,
       .hold = true},
      // So slowly that every byte moves something, which is work and no flood.
      {.name = "window_opened_byte_by_byte",
       .greeting = shut,
       .round = [](uint32_t n) { return n < 3 ? big_call(n) : wire::window_update(id(n % 3), 1); },
       .rounds = 3'000,
       .wait_every = 3},
      {.name = "window_of_the_connection_opened_byte_by_byte",
       .greeting = wire::settings({{wire::kInitialWindowSize, kWindowMax}}),
       .round = [](uint32_t n) { return n < 4 ? big_call(n) : wire::window_update(0, 1); },
       .rounds = 2'000,
       .wait_every = 2},
      // Each entry concerns every stream there is.
      {.name = "settings_over_a_thousand_streams",
       .greeting = quiet(),
       .round = [full](uint32_t n) { return n < 900 ? call_head(n, kOpen) : wire::settings(full); },
       .rounds = 6000,
       .connections = 4,
       .until = Until::kClosed},
      {.name = "settings_among_calls",
       .greeting = generous(),
       .round =
           [full](uint32_t n) {
             if (n < 900) return call_head(n, kOpen);
             return call(n) + repeated(wire::settings(full), 4);
           },
       .rounds = 3000,
       .connections = 2,
       .until = Until::kClosed},
  };
}

// ---- frames that do no work

Script flood(const char* name, std::string frame, bool deaf = false) {
  return {.name = name,
          .greeting = quiet(),
          .round = [frame = std::move(frame)](
                       uint32_t n) { return n == 0 ? call_head(0, kOpen) : frame; },
          .rounds = 1500,
          .connections = 20,
          .until = Until::kClosed,
          .deaf = deaf};
}

Scripts floods() {
  wire::Settings full;
  for (uint16_t i = 0; i < 32; ++i) full.emplace_back(0x1000 + i, i);
  wire::Settings thousands;
  for (uint16_t i = 0; i < 2000; ++i) thousands.emplace_back(0x1000 + i, i);
  return {
      flood("ping_flood", wire::ping()),
      flood("ping_flood_unread", wire::ping(), true),
      flood("settings_flood", wire::settings()),
      flood("settings_flood_unread", wire::settings(), true),
      flood("settings_flood_of_full_frames", wire::settings(full)),
      flood("settings_of_two_thousand_entries", wire::settings(thousands)),
      flood("priority_flood", wire::priority(1, 0)),
      flood("unknown_frame_flood", wire::frame(0x99, 0xff, 1)),
      flood("unknown_large_frame_flood", wire::frame(0x99, 0xff, 1, std::string(16'000, 'u'))),
      flood("goaway_flood", wire::goaway(0)),
      flood("empty_data_flood", wire::data(1, "", wire::kNoFlags)),
      flood("padding_only_flood",
            wire::data(1, std::string(256, '\0').replace(0, 1, "\xff"), wire::kPadded)),
      flood("window_update_flood", wire::window_update(0, 1)),
      flood("window_update_flood_of_a_stream", wire::window_update(1, 1)),
      // Work pays for idle frames; their answers nobody reads.
      {.name = "ping_among_calls_unread",
       .greeting = generous(),
       .round = [](uint32_t n) { return call(n) + repeated(wire::ping(), 4); },
       .rounds = 20'000,
       .connections = 2,
       .until = Until::kClosed,
       .deaf = true},
      {.name = "data_of_one_byte",
       .greeting = quiet(),
       .round =
           [](uint32_t n) {
             return n == 0 ? call_head(0, kOpen) + wire::data(1, "\0\0\x20\0\0"s, wire::kNoFlags)
                           : wire::data(1, "x", wire::kNoFlags);
           },
       .rounds = 20'000,
       .connections = 4},
      {.name = "large_answers_unread",
       .greeting = generous(),
       .round = big_call,
       .rounds = 300,
       .connections = 4,
       .until = Until::kAnswered,
       .deaf = true},
  };
}

// ---- stream ids, slowness, nonsense

Script once(const char* name, std::string bytes, uint32_t connections = 200) {
  return {.name = name,
          .greeting = quiet(),
          .round = [bytes = std::move(bytes)](uint32_t) { return bytes; },
          .connections = connections,
          .until = Until::kClosed};
}
std::string request_on(uint32_t stream, bool first = true) {
  return wire::headers(stream, call_block(kGetState, first), kOpen) +
         wire::data(stream, get_state("small"));
}

Scripts oddities() {
  return {
      once("id_even", request_on(2)),
      once("id_zero", wire::headers(0, call_block(kGetState, true))),
      once("id_decreasing", request_on(1001) + request_on(999, false)),
      {.name = "id_used_again",
       .greeting = quiet(),
       .round = [](uint32_t n) { return request_on(1, n == 0); },
       .rounds = 2,
       .connections = 200,
       .until = Until::kClosed,
       .wait_every = 1},
      once("id_below_the_highest", request_on(kWindowMax) + request_on(1, false)),
      {.name = "id_skipping",
       .greeting = generous(),
       .round = [](uint32_t n) { return request_on(4001 * 2 * n + 1, n == 0); },
       .rounds = 500,
       .connections = 10,
       .until = Until::kAnswered},
      {.name = "half_open_streams",
       .greeting = quiet(),
       .round = [](uint32_t n) { return call_head(n, kOpen); },
       .rounds = 1000,
       .connections = 10,
       .hold = true},
      {.name = "half_open_streams_with_a_byte",
       .greeting = quiet(),
       .round = [](uint32_t n) { return call_head(n, kOpen) + wire::data(id(n), "\0"s, 0); },
       .rounds = 1000,
       .connections = 10,
       .hold = true},
      once("frame_too_large", wire::frame_claiming(16'385, wire::kData, 0, 1, "")),
      {.name = "preface_wrong",
       .round = [](uint32_t) { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX" + wire::settings(); },
       .connections = 200,
       .until = Until::kClosed,
       .raw = true},
      {.name = "settings_missing",
       .round = [](uint32_t) { return wire::ping(); },
       .connections = 200,
       .until = Until::kClosed},
      {.name = "silent_connections",
       .round = [](uint32_t) { return ""s; },
       .connections = 300,
       .until = Until::kClosed,
       .raw = true},
      {.name = "preface_byte_by_byte",
       .round = [](uint32_t) { return wire::kPreface.substr(0, 20); },
       .connections = 50,
       .until = Until::kClosed,
       .raw = true,
       .trickle = true},
      {.name = "head_byte_by_byte",
       .greeting = quiet() + wire::headers(1, wire::hpack(wire::get("/")), wire::kEndStream),
       .round = [](uint32_t) { return wire::continuation(1, std::string(16'000, '\x88'), 0); },
       .rounds = 10,
       .connections = 50,
       .until = Until::kClosed,
       .trickle = true},
      {.name = "tls_garbage",
       .round = [](uint32_t) { return repeated("\x16\x03\x01garbage that is no handshake", 100); },
       .connections = 200,
       .until = Until::kClosed,
       .raw = true},
      {.name = "tls_clear_text",
       .round = [](uint32_t) { return wire::kPreface + wire::settings(); },
       .connections = 200,
       .until = Until::kClosed,
       .raw = true},
  };
}

}  // namespace

std::vector<Script> scripts() {
  Scripts all;
  for (Scripts (*some)() : {good, resetting, header_blocks, windows, floods, oddities}) {
    for (Script& script : some()) all.push_back(std::move(script));
  }
  return all;
}

}  // namespace layotto::attacks
