#include "clients/redis/command.h"

#include <gtest/gtest.h>

namespace layotto::clients::redis {
namespace {

std::string encoded(std::vector<std::string_view> arguments) {
  ByteChain out;
  append_command(out, arguments);
  return std::string(out.take_all().view());
}

TEST(Command, IsAnArrayOfBulkStrings) {
  EXPECT_EQ(encoded({"PING"}), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(encoded({"SET", "k", ""}), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  EXPECT_EQ(encoded({"GET", std::string_view("a\0\r\n", 4)}),
            std::string("*2\r\n$3\r\nGET\r\n$4\r\na\0\r\n\r\n", 23));
}

TEST(Command, TakesManyAndLongArguments) {
  const std::vector<std::string_view> many(12, "a");
  EXPECT_TRUE(encoded(many).starts_with("*12\r\n$1\r\na\r\n"));
  for (const size_t size : {9UL, 10UL, 99UL, 4000UL, 4096UL, 16'000UL, 17'000UL, 1'000'000UL}) {
    const std::string value(size, 'v');
    EXPECT_EQ(encoded({"SET", "k", value}),
              fmt::format("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{}\r\n", size, value));
  }
}

TEST(Command, FollowsWhatIsThereAlready) {
  ByteChain out;
  for (int i = 0; i < 3000; ++i) {
    const std::string_view arguments[] = {"PING"};
    append_command(out, arguments);
  }
  EXPECT_EQ(out.size(), 3000U * 14);
  const Bytes all = out.take_all();
  EXPECT_TRUE(all.view().ends_with("PING\r\n*1\r\n$4\r\nPING\r\n"));
}

TEST(NumberText, IsDecimal) {
  EXPECT_EQ(NumberText(0).view(), "0");
  EXPECT_EQ(NumberText(INT64_MIN).view(), "-9223372036854775808");
  EXPECT_EQ(NumberText(INT64_MAX).view(), "9223372036854775807");
}

}  // namespace
}  // namespace layotto::clients::redis
