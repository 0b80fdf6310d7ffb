// HeaderBlock and HeaderMap: lookup, edits that leave the block alone; the names known by number.
#include "http/header_map.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace layotto::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const HeaderMap& map) {
  Fields all;
  for (const HeaderField& field : map.fields()) all.emplace_back(field.name, field.value);
  return all;
}

HeaderBlockRef block_of(const Fields& fields) {
  HeaderBlockRef block(HeaderBlock::make());
  for (const auto& [name, value] : fields) block->add(name, value);
  return block;
}

TEST(HeaderName, KnowsEveryNameByNumberAndBack) {
  for (int i = 1; i < static_cast<int>(HeaderId::kCount); ++i) {
    const auto id = static_cast<HeaderId>(i);
    EXPECT_EQ(header_id(header_name(id)), id) << header_name(id);
  }
  EXPECT_EQ(header_id("host"), HeaderId::kHost);
  for (const std::string_view other : {"", "hosts", "Host", "x", "x-other"}) {
    EXPECT_EQ(header_id(other), HeaderId::kOther) << other;
  }
}

TEST(HeaderName, TellsTokensAndValues) {
  EXPECT_TRUE(is_header_name("x-a_b.c~1!", true));
  EXPECT_FALSE(is_header_name("X-a", true));
  EXPECT_TRUE(is_header_name("X-a", false));
  for (const std::string_view wrong : {"", "a b", "a:", "a\t", "\xc3\xa9", "(a)"}) {
    EXPECT_FALSE(is_header_name(wrong, false)) << wrong;
  }
  EXPECT_TRUE(is_header_value(""));
  EXPECT_TRUE(is_header_value("a b\tc \xc3\xa9"));
  for (const std::string_view wrong : {" a", "a ", "\ta", "a\nb", "a\rb", "\x7f", "\x01"}) {
    EXPECT_FALSE(is_header_value(wrong)) << wrong;
  }
  EXPECT_FALSE(is_header_value(std::string_view("a\0b", 3)));
}

TEST(HeaderName, TellsGrpcFromItsRelatives) {
  EXPECT_EQ(content_class("application/grpc"), ContentClass::kGrpc);
  EXPECT_EQ(content_class("application/grpc+proto"), ContentClass::kGrpc);
  EXPECT_EQ(content_class("application/grpc;charset=utf-8"), ContentClass::kGrpc);
  EXPECT_EQ(content_class("application/grpc-web"), ContentClass::kOther);
  EXPECT_EQ(content_class("application/grpcx"), ContentClass::kOther);
  EXPECT_EQ(content_class("text/plain"), ContentClass::kOther);
}

TEST(HeaderName, KnowsMethodsExactly) {
  EXPECT_EQ(method_of("GET"), Method::kGet);
  EXPECT_EQ(method_of("OPTIONS"), Method::kOptions);
  EXPECT_EQ(method_of("CONNECT"), Method::kConnect);
  EXPECT_EQ(method_of("get"), Method::kOther);
  EXPECT_EQ(method_of("GETS"), Method::kOther);
  EXPECT_EQ(method_of(""), Method::kOther);
}

TEST(HeaderBlock, CountsWhatItHolds) {
  const HeaderBlockRef block =
      block_of({{"a", "12"}, {"content-type", "application/grpc"}, {"content-type", "text/plain"}});
  EXPECT_EQ(block->fields().size(), 3);
  EXPECT_EQ(block->list_bytes(), 3 + 12 + 16 + 12 + 10 + 3 * 32);
  EXPECT_EQ(block->content(), ContentClass::kGrpc) << "the first counts";
}

TEST(HeaderBlock, GrowsAndIsCleanWhenUsedAgain) {
  {
    HeaderBlockRef block(HeaderBlock::make());
    for (int i = 0; i < 100; ++i) block->add("name-" + std::to_string(i), std::to_string(i));
    block->line().path = "/path";
    block->set_status(200);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(block->fields()[static_cast<size_t>(i)].value, std::to_string(i));
    }
  }
  const HeaderBlockRef again(HeaderBlock::make());
  EXPECT_TRUE(again->fields().empty());
  EXPECT_EQ(again->present(), 0);
  EXPECT_EQ(again->list_bytes(), 0);
  EXPECT_EQ(again->status(), 0);
  EXPECT_EQ(again->line().path, "");
  EXPECT_EQ(again->content(), ContentClass::kNone);
}

TEST(HeaderMap, FindsTheFirstByNumberOrName) {
  const HeaderBlockRef block = block_of({{"host", "a"}, {"x", "1"}, {"x", "2"}, {"host", "b"}});
  const HeaderMap map(*block.get());
  EXPECT_EQ(map.get(HeaderId::kHost), "a");
  EXPECT_EQ(map.get("host"), "a");
  EXPECT_EQ(map.get("x"), "1");
  EXPECT_EQ(map.get("y"), std::nullopt);
  EXPECT_EQ(map.get(HeaderId::kDate), std::nullopt);
  EXPECT_TRUE(map.has(HeaderId::kHost));
  EXPECT_FALSE(map.has(HeaderId::kDate));
}

TEST(HeaderMap, OfNothingIsEmpty) {
  Arena arena;
  HeaderMap map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.get("x"), std::nullopt);
  EXPECT_EQ(map.remove("x", arena), 0);
  EXPECT_EQ(map.remove(HeaderId::kHost, arena), 0);
  map.set("x", "1", arena);
  EXPECT_EQ(fields_of(map), (Fields{{"x", "1"}}));
}

TEST(HeaderMap, EditsLeaveTheBlockAlone) {
  const Fields original = {{"host", "a"}, {"x", "1"}};
  const HeaderBlockRef block = block_of(original);
  Arena arena;
  HeaderMap map(*block.get());
  map.add("y", "2", arena);
  map.add(HeaderId::kDate, "now", arena);
  map.set(HeaderId::kHost, "b", arena);
  map.remove("x", arena);
  EXPECT_EQ(fields_of(map), (Fields{{"host", "b"}, {"y", "2"}, {"date", "now"}}));
  EXPECT_TRUE(map.has(HeaderId::kDate));
  EXPECT_EQ(fields_of(HeaderMap(*block.get())), original);
}

TEST(HeaderMap, SetsInThePlaceOfTheFirst) {
  const HeaderBlockRef block =
      block_of({{"a", "1"}, {"cookie", "x"}, {"b", "2"}, {"cookie", "y"}, {"a", "3"}});
  Arena arena;
  HeaderMap map(*block.get());
  map.set(HeaderId::kCookie, "z", arena);
  EXPECT_EQ(fields_of(map), (Fields{{"a", "1"}, {"cookie", "z"}, {"b", "2"}, {"a", "3"}}));
  map.set("a", "4", arena);
  EXPECT_EQ(fields_of(map), (Fields{{"a", "4"}, {"cookie", "z"}, {"b", "2"}}));
  map.set("c", "5", arena);
  EXPECT_EQ(fields_of(map).back(), (std::pair<std::string, std::string>("c", "5")));
}

TEST(HeaderMap, RemovesAllAndForgetsThatTheyWere) {
  const HeaderBlockRef block = block_of({{"te", "x"}, {"a", "1"}, {"te", "y"}});
  Arena arena;
  HeaderMap map(*block.get());
  EXPECT_EQ(map.remove(HeaderId::kTe, arena), 2);
  EXPECT_FALSE(map.has(HeaderId::kTe));
  EXPECT_EQ(map.remove(HeaderId::kTe, arena), 0);
  EXPECT_EQ(fields_of(map), (Fields{{"a", "1"}}));
  EXPECT_EQ(map.remove("a", arena), 1);
  EXPECT_TRUE(map.empty());
}

TEST(HeaderMap, TakesManyEdits) {
  Arena arena;
  HeaderMap map;
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("n" + std::to_string(i));
  for (const std::string& name : names) map.add(name, name, arena);
  for (const std::string& name : names) EXPECT_EQ(map.get(name), name);
  for (size_t i = 0; i < names.size(); i += 2) EXPECT_EQ(map.remove(names[i], arena), 1);
  EXPECT_EQ(map.fields().size(), 100);
}

TEST(HeaderBlock, KeepsNotesOfItsOwners) {
  HeaderBlockRef block(HeaderBlock::make());
  const int owners[3] = {};
  EXPECT_FALSE(block->shared());
  EXPECT_EQ(block->note(&owners[0]), nullptr);
  block->set_note(&owners[0], "first");
  block->set_note(&owners[1], "second");
  EXPECT_STREQ(static_cast<const char*>(block->note(&owners[0])), "first");
  EXPECT_STREQ(static_cast<const char*>(block->note(&owners[1])), "second");
  block->set_note(&owners[2], "third");
  EXPECT_STREQ(static_cast<const char*>(block->note(&owners[0])), "first");
  EXPECT_EQ(block->note(&owners[1]), nullptr) << "the one who came last makes room";
  EXPECT_STREQ(static_cast<const char*>(block->note(&owners[2])), "third");
  block->acquire();
  EXPECT_TRUE(block->shared());
  HeaderBlockRef(block.get()).reset();
  block.reset();
  HeaderBlockRef again(HeaderBlock::make());
  EXPECT_EQ(again->note(&owners[0]), nullptr) << "a recycled block is another head's";
}

}  // namespace
}  // namespace layotto::http
