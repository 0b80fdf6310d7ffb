#include "telemetry/trace.h"

#include <gtest/gtest.h>

namespace layotto::telemetry {
namespace {

constexpr std::string_view kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

// What a valid value says; zeros for one that is not.
TraceParent parsed(std::string_view value) {
  return parse_traceparent(value).value_or(TraceParent{});
}

std::string text_of(const Span& span) {
  std::array<char, kTraceparentBytes> text;
  span.format(text);
  return {text.data(), text.size()};
}

TEST(Traceparent, IsReadAndWrittenUnchanged) {
  ASSERT_TRUE(parse_traceparent(kExample).has_value());
  const TraceParent parent = parsed(kExample);
  EXPECT_TRUE(parent.sampled());
  EXPECT_EQ(parent.trace_id[0], 0x4b);
  EXPECT_EQ(parent.trace_id[15], 0x36);
  EXPECT_EQ(parent.parent_id[7], 0xb7);
  EXPECT_EQ(
      text_of({.trace_id = parent.trace_id, .span_id = parent.parent_id, .flags = parent.flags}),
      kExample);
}

TEST(Traceparent, RefusesWhatTheRecommendationCallsInvalid) {
  for (const std::string_view value : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-001",
       }) {
    EXPECT_FALSE(parse_traceparent(value).has_value()) << value;
  }
}

TEST(Traceparent, ReadsWhatItKnowsOfLaterVersions) {
  std::string later(kExample);
  later[1] = '1';
  EXPECT_TRUE(parse_traceparent(later).has_value());
  EXPECT_TRUE(parse_traceparent(later + "-more").has_value());
  EXPECT_FALSE(parse_traceparent(later + "more").has_value());
  later.replace(53, 2, "ff");
  EXPECT_EQ(parsed(later).flags, TraceParent::kSampled | TraceParent::kRandom);
}

TEST(Traceparent, AnyWrongByteIsRefused) {
  for (size_t at = 0; at < kExample.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string value(kExample);
      value[at] = static_cast<char>(byte);
      const bool dash = kExample[at] == '-';
      const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
      const bool expected = (dash ? byte == '-' : digit) && !value.starts_with("ff");
      EXPECT_EQ(parse_traceparent(value).has_value(), expected) << value;
    }
  }
}

TEST(Span, OfASampledTraceHasIdsOfItsOwn) {
  Random random(1);
  const Span server = Span::continued(parsed(kExample), random);
  EXPECT_TRUE(server.sampled());
  EXPECT_EQ(server.trace_id, parsed(kExample).trace_id);
  EXPECT_EQ(server.parent_id, parsed(kExample).parent_id);
  EXPECT_NE(server.span_id, server.parent_id);

  const Span client = server.child(random);
  EXPECT_EQ(client.parent_id, server.span_id);
  EXPECT_NE(client.span_id, server.span_id);
  EXPECT_EQ(parsed(text_of(client)).parent_id, client.span_id);
}

TEST(Span, OfATraceThatIsNotSampledDrawsNothingAndPassesTheIdsOn) {
  std::string header(kExample);
  header.back() = '0';
  Random random(1);
  Random untouched(1);
  const Span server = Span::continued(parsed(header), random);
  EXPECT_FALSE(server.sampled());
  EXPECT_EQ(text_of(server.child(random)), header);

  const Span none = Span::start(false, random);
  EXPECT_FALSE(none.present());
  EXPECT_FALSE(none.child(random).present());
  EXPECT_EQ(random.next(), untouched.next());
}

TEST(Span, StartsATraceWhenSampled) {
  Random random(1);
  const Span root = Span::start(true, random);
  EXPECT_TRUE(root.present());
  EXPECT_TRUE(root.sampled());
  EXPECT_EQ(root.parent_id, SpanId{});
  EXPECT_EQ(parsed(text_of(root)).trace_id, root.trace_id);
  EXPECT_NE(Span::start(true, random).trace_id, root.trace_id);
}

}  // namespace
}  // namespace layotto::telemetry
