#include "net/address.h"

#include <gtest/gtest.h>

namespace layotto::net {
namespace {

TEST(Address, ReadsWhatItWrites) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[2001:db8::1]:443",
                           "unix:/run/layotto.sock", "unix:relative.sock", "unix-abstract:name"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->to_string(), text);
    EXPECT_EQ(*Address::parse(address->to_string()), *address);
  }
  EXPECT_EQ(Address::parse("unix:///run/a.sock")->to_string(), "unix:/run/a.sock");
}

TEST(Address, SaysHowToWriteIt) {
  const auto why = [](std::string_view text) {
    const auto address = Address::parse(text);
    return address.ok() ? "fine" : address.error().to_string();
  };
  EXPECT_EQ(why("127.0.0.1"), "INVALID_ARGUMENT: '127.0.0.1' is not an address: write host:port");
  EXPECT_EQ(why("::1:80"),
            "INVALID_ARGUMENT: '::1:80' is not an address: write IPv6 as [IPv6]:port");
  EXPECT_EQ(why("[::1]"), "INVALID_ARGUMENT: '[::1]' is not an address: write [IPv6]:port");
  EXPECT_EQ(why("[::1]80"), "INVALID_ARGUMENT: '[::1]80' is not an address: write [IPv6]:port");
  EXPECT_EQ(why("localhost:80"), "INVALID_ARGUMENT: 'localhost' is not an IP address");
  EXPECT_EQ(why("unix:"), "INVALID_ARGUMENT: the path of a Unix socket is empty");
  for (const char* text :
       {"1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 1", "1.2.3.4:1x"}) {
    EXPECT_EQ(why(text), fmt::format("INVALID_ARGUMENT: '{}' has no port between 0 and 65535 after "
                                     "the last ':'",
                                     text));
  }
  EXPECT_FALSE(Address::parse("").ok());
  EXPECT_FALSE(Address::parse(std::string_view("1.2.3.4\0:80", 11)).ok());
}

TEST(Address, RefusesUnixPathsTheSystemCannotHold) {
  EXPECT_TRUE(Address::unix_path(std::string(107, 'a')).ok());
  EXPECT_FALSE(Address::unix_path(std::string(108, 'a')).ok());
  EXPECT_FALSE(Address::unix_path(std::string_view("a\0b", 3)).ok());
}

TEST(Address, KnowsWhatOnlyThisMachineCanReach) {
  EXPECT_TRUE(Address::parse("127.8.9.10:1")->is_loopback());
  EXPECT_TRUE(Address::parse("[::1]:1")->is_loopback());
  EXPECT_TRUE(Address::parse("unix:/a")->is_loopback());
  EXPECT_FALSE(Address::parse("0.0.0.0:1")->is_loopback());
  EXPECT_FALSE(Address::parse("[::]:1")->is_loopback());
  EXPECT_FALSE(Address().is_loopback());
}

TEST(Address, TakesPartsApart) {
  const Address v6 = *Address::ip("2001:db8::7", 8080);
  EXPECT_EQ(v6.host(), "2001:db8::7");
  EXPECT_EQ(v6.port(), 8080);
  EXPECT_EQ(v6.with_port(1).to_string(), "[2001:db8::7]:1");
  EXPECT_EQ(v6.path(), "");
  EXPECT_TRUE(v6.is_ip());
  const Address abstract = *Address::parse("unix-abstract:x");
  EXPECT_TRUE(abstract.is_unix());
  EXPECT_EQ(abstract.path(), "@x");
  EXPECT_EQ(abstract.port(), 0);
  EXPECT_EQ(abstract.with_port(9), abstract);
  EXPECT_EQ(Address().to_string(), "unknown");
}

TEST(Address, IsEqualByFamilyHostAndPort) {
  const Address a = *Address::ip("10.0.0.1", 80);
  EXPECT_EQ(a, *Address::parse("10.0.0.1:80"));
  EXPECT_FALSE(a == *Address::parse("10.0.0.1:81"));
  EXPECT_FALSE(a == *Address::parse("10.0.0.2:80"));
  EXPECT_FALSE(a == *Address::parse("[::ffff:10.0.0.1]:80"));
  EXPECT_FALSE(*Address::parse("unix:/a") == *Address::parse("unix:/b"));
  EXPECT_EQ(Address(), Address());
}

TEST(Address, SurvivesTheWayThroughTheKernel) {
  const Address unix_address = *Address::parse("unix:/tmp/x");
  EXPECT_EQ(Address::from_sockaddr(unix_address.data(), unix_address.length()), unix_address);
  EXPECT_EQ(Address::from_sockaddr(nullptr, 0), Address());
  EXPECT_EQ(Address::from_sockaddr(unix_address.data(), 1), Address());
  // An unnamed Unix socket: the family and nothing else.
  const Address unnamed = Address::from_sockaddr(unix_address.data(), sizeof(sa_family_t));
  EXPECT_TRUE(unnamed.is_unix());
  EXPECT_EQ(unnamed.path(), "");
}

TEST(HostPort, TakesNamesToo) {
  const HostPort name = *HostPort::parse("redis.default.svc:6379");
  EXPECT_EQ(name.host, "redis.default.svc");
  EXPECT_EQ(name.port, 6379);
  EXPECT_EQ(HostPort::parse("[fe80::1]:1")->host, "fe80::1");
}

}  // namespace
}  // namespace layotto::net
