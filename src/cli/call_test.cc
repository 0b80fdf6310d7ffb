// `call` against a real server: messages as JSON, streams, metadata, errors.
#include "cli/call.h"

#include <gtest/gtest.h>

#include <thread>

#include "cli/test_sidecar.h"
#include "tests/support/test_certificates.h"

namespace layotto::cli {
namespace {

const std::string kRuntime = "spec.proto.runtime.v1.Runtime";
const std::string kPut = "spec.proto.extension.v1.s3.ObjectStorageService/PutObject";

// A call and what it said.
struct Done {
  Done(const Target& target, const std::vector<std::string>& words,
       std::string_view stdin_text = {}, const std::vector<std::string>& metadata = {},
       bool verbose = false) {
    Pipe pipe;
    pipe.write(stdin_text);
    pipe.end();
    const Said said(pipe.in());
    code =
        call(words,
             {.target = target, .verbose = verbose, .metadata = metadata, .console = said.console});
    out = said.out();
    err = said.err();
  }
  int code;
  std::string out;
  std::string err;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST(Call, TakesAndGivesJson) {
  const TestSidecar sidecar;
  const Target to{.address = sidecar.address()};
  const Done saved(to, {kRuntime + "/SaveState",
                        R"({"store_name":"demo","states":[{"key":"a","value":"aGVsbG8="}]})"});
  EXPECT_EQ(saved.code, 0);
  EXPECT_EQ(saved.out, "{}\n");
  EXPECT_EQ(saved.err, "");
  const std::string get = R"({"store_name":"demo","key":"a"})";
  const std::string value = "{\"data\":\"aGVsbG8=\",\"etag\":\"1\"}\n";
  EXPECT_EQ(Done(to, {kRuntime + "/GetState", get}).out, value);
  EXPECT_EQ(Done(to, {"/" + kRuntime + "/GetState", "-"}, get).out, value);
  // The other spelling of names, over several lines of stdin.
  EXPECT_EQ(Done(to, {kRuntime + "/GetState"}, "{\"storeName\": \"demo\",\n\"key\": \"a\"}").out,
            value);
}

TEST(Call, GoesOverAUnixSocket) {
  const TestSidecar sidecar;
  const Done hello({.address = sidecar.unix_address()},
                   {kRuntime + "/SayHello", R"({"name":"x"})"});
  EXPECT_EQ(hello.code, 0) << hello.err;
  EXPECT_EQ(hello.out, "{\"hello\":\"x\"}\n");
}

TEST(Call, NoInputIsAnEmptyMessage) {
  const TestSidecar sidecar;
  EXPECT_EQ(Done({.address = sidecar.address()}, {kRuntime + "/SayHello"}).out, "{}\n");
}

TEST(Call, ExitsWithTheStatus) {
  const TestSidecar sidecar;
  const Target to{.address = sidecar.address()};
  const Done wrong(to, {kRuntime + "/GetState", R"({"store_name":"other"})"});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_EQ(wrong.out, "");
  EXPECT_EQ(wrong.err, "INVALID_ARGUMENT: state store other is not found\n");
  EXPECT_EQ(Done(to, {kRuntime + "/TryLock", "{}"}).code, 12);
}

TEST(Call, SaysWhatIsNearestToANameThatIsNotKnown) {
  const Target to{.address = "127.0.0.1:1"};
  const Done method(to, {kRuntime + "/GetStat", "{}"});
  EXPECT_EQ(method.code, 3);
  EXPECT_TRUE(contains(method.err, "has no rpc 'GetStat'; did you mean GetState")) << method.err;
  const Done service(to, {"spec.proto.runtime.v2.Runtime/GetState", "{}"});
  EXPECT_TRUE(contains(service.err, "did you mean spec.proto.runtime.v1.Runtime?")) << service.err;
  const Done strange(to, {"something.Else/GetState", "{}"});
  EXPECT_TRUE(contains(strange.err, "is not known here; there are ")) << strange.err;
  EXPECT_TRUE(contains(strange.err, "grpc.health.v1.Health")) << strange.err;
  const Done slashless(to, {"GetState", "{}"});
  EXPECT_TRUE(contains(slashless.err, "write SERVICE/METHOD")) << slashless.err;
  EXPECT_EQ(Done(to, {}).code, 3);
  EXPECT_EQ(Done(to, {kRuntime + "/GetState", "{}", "{}"}).code, 3);
}

TEST(Call, KnowsEveryServiceOfTheProtos) {
  const Target to{.address = "127.0.0.1:1"};
  const std::string extension = "spec.proto.extension.v1.";
  for (const std::string& name :
       {kRuntime + "/GetState", std::string("spec.proto.runtime.v1.AppCallback/OnTopicEvent"),
        std::string("spec.proto.runtime.v1.Lifecycle/ApplyConfiguration"),
        extension + "cryption.CryptionService/Encrypt",
        extension + "delay_queue.DelayQueue/PublishDelayMessage",
        extension + "email.EmailService/SendEmail",
        extension + "phone.PhoneCallService/SendVoiceWithTemplate", kPut,
        extension + "sms.SmsService/SendSmsWithTemplate",
        std::string("spec.proto.pluggable.v1.hello.Hello/SayHello"),
        std::string("grpc.health.v1.Health/Check"),
        std::string("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")}) {
    EXPECT_EQ(Done(to, {name, "{}"}).code, 14) << name;
  }
}

TEST(Call, SaysWhereJsonIsWrong) {
  const Target to{.address = "127.0.0.1:1"};
  const Done field(to, {kRuntime + "/GetState", R"({"store_nam":"demo"})"});
  EXPECT_EQ(field.code, 3);
  EXPECT_TRUE(contains(field.err, "store_nam")) << field.err;
  const Done syntax(to, {kRuntime + "/GetState", R"({"key" "a"})"});
  EXPECT_TRUE(contains(syntax.err, R"({"key" "a"})")) << syntax.err;
  EXPECT_TRUE(contains(syntax.err, "^")) << syntax.err;
  EXPECT_EQ(Done(to, {kRuntime + "/GetState", R"({"key": 1)"}).code, 3);
}

TEST(Call, SaysWhoDoesNotAnswer) {
  const Done nobody({.address = "127.0.0.1:1"}, {kRuntime + "/GetState", "{}"});
  EXPECT_EQ(nobody.code, 14);
  EXPECT_TRUE(contains(nobody.err, "UNAVAILABLE: ")) << nobody.err;
  EXPECT_TRUE(contains(nobody.err, "127.0.0.1:1")) << nobody.err;
  const Done no_address({.address = "nonsense"}, {kRuntime + "/GetState", "{}"});
  EXPECT_EQ(no_address.code, 3);
  EXPECT_TRUE(contains(no_address.err, "host:port")) << no_address.err;
}

TEST(Call, GivesUpAfterTheTimeout) {
  const TestSidecar sidecar;
  const Done late({.address = sidecar.address(), .timeout = std::chrono::milliseconds(500)},
                  {kRuntime + "/InvokeService", "{}"});
  EXPECT_EQ(late.code, 4);
  EXPECT_TRUE(late.err.starts_with("DEADLINE_EXCEEDED")) << late.err;
  const Done none({.address = sidecar.address(), .timeout = std::chrono::milliseconds(0)},
                  {kRuntime + "/SayHello", "{}"});
  EXPECT_EQ(none.code, 3);
}

TEST(Call, SendsMetadataAndShowsIt) {
  const TestSidecar sidecar;
  const Target to{.address = sidecar.address()};
  const Done hello(to, {kRuntime + "/SayHello", "{}"}, {}, {"X-One: 1", "x-two:2:3"}, true);
  EXPECT_EQ(hello.out, "{\"hello\":\"x-one=1;x-two=2:3;\"}\n");
  EXPECT_TRUE(contains(hello.err, "x-head: first\n")) << hello.err;
  EXPECT_TRUE(contains(hello.err, "trailer grpc-status: 0\n")) << hello.err;
  EXPECT_TRUE(contains(hello.err, "trailer x-tail: last\n")) << hello.err;
  for (const char* wrong : {"x", ":path: /", "grpc-timeout: 1S", "x-a: \x01", "te: x"}) {
    EXPECT_EQ(Done(to, {kRuntime + "/SayHello", "{}"}, {}, {wrong}).code, 3) << wrong;
  }
}

TEST(Call, SendsTheTokenOfAFile) {
  const TestSidecar sidecar;
  const tests::TemporaryFolder folder;
  const std::string file = folder.write("token", "s3cret\n");
  const Done hello({.address = sidecar.address(), .token_file = file},
                   {kRuntime + "/SayHello", "{}"});
  EXPECT_EQ(hello.out, "{\"hello\":\"authorization=Bearer s3cret;\"}\n");
  const Done missing({.address = sidecar.address(), .token_file = folder / "none"},
                     {kRuntime + "/SayHello", "{}"});
  EXPECT_EQ(missing.code, 5);
  EXPECT_TRUE(contains(missing.err, folder / "none")) << missing.err;
  folder.write("token", "\n");
  EXPECT_EQ(
      Done({.address = sidecar.address(), .token_file = file}, {kRuntime + "/SayHello", "{}"}).code,
      9);
}

TEST(Call, SpeaksTlsBothWays) {
  const tests::TestCertificates files;
  auto tls = net::TlsServerContext::load({.certificate_file = files.file("server.pem"),
                                          .key_file = files.file("server.key"),
                                          .client_ca_file = files.file("ca.pem"),
                                          .client_certificate = net::ClientCertificate::kRequire,
                                          .alpn = {"h2"}});
  ASSERT_TRUE(tls.ok());
  const TestSidecar sidecar({}, *tls);
  Target to{.address = sidecar.address(),
            .tls_ca = files.file("ca.pem"),
            .tls_certificate = files.file("client.pem"),
            .tls_key = files.file("client.key")};
  const std::vector<std::string> words = {kRuntime + "/SayHello", R"({"name":"tls"})"};
  const Done hello(to, words);
  EXPECT_EQ(hello.out, "{\"hello\":\"tls\"}\n") << hello.err;
  to.address = sidecar.unix_address();
  EXPECT_EQ(Done(to, words).code, 0);
  to.address = sidecar.address();
  to.tls_ca = files.file("other-ca.pem");
  EXPECT_NE(Done(to, words).code, 0);
  to.tls_ca = files.file("ca.pem");
  to.tls_key.clear();
  EXPECT_EQ(Done(to, words).code, 3);
  to.tls_certificate.clear();
  EXPECT_NE(Done(to, words).code, 0);  // nobody without a certificate
  to.tls_ca.clear();
  EXPECT_NE(Done(to, words).code, 0);  // no TLS at all
}

// ---- streams

TEST(CallStream, SendsALineAMessage) {
  const TestSidecar sidecar;
  const Target to{.address = sidecar.address()};
  // "YQ==" is a, "Yg==" is b.
  const std::string lines = "{\"body\":\"YQ==\"}\n\n{\"body\":\"Yg==\"}";
  const Done put(to, {kPut}, lines);
  EXPECT_EQ(put.code, 0) << put.err;
  EXPECT_EQ(put.out, "{\"etag\":\"ab\"}\n");
  EXPECT_EQ(Done(to, {kPut, lines}).out, "{\"etag\":\"ab\"}\n");
}

TEST(CallStream, SaysWhichLineIsWrong) {
  const TestSidecar sidecar;
  const Done put({.address = sidecar.address()}, {kPut},
                 "{\"body\":\"YQ==\"}\r\n{\"bdy\":1}\n{}\n");
  EXPECT_EQ(put.code, 3);
  EXPECT_TRUE(contains(put.err, "INVALID_ARGUMENT: line 2: ")) << put.err;
  EXPECT_TRUE(contains(put.err, "bdy")) << put.err;
  EXPECT_EQ(put.out, "");
}

TEST(CallStream, TalksBothWaysWhileStdinIsOpen) {
  const TestSidecar sidecar;
  Pipe input;
  const Pipe output;
  const Said said(input.in());
  Console console = said.console;
  console.out = fdopen(dup(output.out()), "w");
  int code = -1;
  std::thread caller([&] {
    code = call({"grpc.reflection.v1.ServerReflection/ServerReflectionInfo"},
                {.target = {.address = sidecar.address()}, .console = console});
  });
  // Each answer comes before the next question is there.
  for (int i = 0; i < 3; ++i) {
    input.write("{\"list_services\":\"\"}\n");
    const std::string line = output.read_line();
    EXPECT_TRUE(contains(line, "\"spec.proto.runtime.v1.Runtime\"")) << line;
  }
  input.end();
  caller.join();
  std::fclose(console.out);
  EXPECT_EQ(code, 0) << said.err();
}

TEST(CallStream, EndsWhenTheServerEndsThoughStdinIsOpen) {
  const TestSidecar sidecar;
  const Pipe pipe;  // nobody ends it
  pipe.write("{\"body\":\"cmVmdXNl\"}\n");
  const Said said(pipe.in());
  EXPECT_EQ(call({kPut}, {.target = {.address = sidecar.address()}, .console = said.console}), 7);
  EXPECT_EQ(said.err(), "PERMISSION_DENIED: not this\n");
}

TEST(CallStream, AStreamEndsAtATimeoutThatWasAskedFor) {
  const TestSidecar sidecar;
  const Done watch({.address = sidecar.address(), .timeout = std::chrono::milliseconds(500)},
                   {"grpc.health.v1.Health/Watch", "{}"});
  EXPECT_EQ(watch.code, 4);
}

TEST(CallStream, EndsWhenNobodyReadsTheOutput) {
  const TestSidecar sidecar;
  const Said said;
  Console console = said.console;
  console.out = std::fopen("/dev/full", "w");
  EXPECT_EQ(call({"grpc.health.v1.Health/Watch", "{}"},
                 {.target = {.address = sidecar.address()}, .console = console}),
            10);
  std::fclose(console.out);
  EXPECT_TRUE(contains(said.err(), "cannot write the output")) << said.err();
}

}  // namespace
}  // namespace layotto::cli
