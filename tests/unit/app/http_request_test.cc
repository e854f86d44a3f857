// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "app/http_path.h"
#include "app/http_request.h"

namespace sluice::app {
namespace {

struct Case {
  std::string_view bytes;
  unsigned status;
};

TEST(HttpRequestTest, StatusOfEachHead) {
  constexpr std::array kCases = {
      Case{"GET / HTTP/1.1\r\n\r\n", 200},
      Case{"GET / HTTP/1.0\r\n\r\n", 200},
      Case{"\r\n\r\nGET / HTTP/1.1\r\n\r\n", 200},
      Case{"GET / HTTP/1.1\nA: b\n\n", 200},
      Case{"GET / HTTP/1.1\r\nA:\r\nB: \t x \r\n\r\n", 200},
      Case{"GET http://h/x HTTP/1.1\r\n\r\n", 200},
      Case{"", 0},
      Case{"GET / HTTP/1.1\r\n", 0},
      Case{"GET / HTTP/1.1\r\nHost: a\r\n\r", 0},
      Case{"GET  / HTTP/1.1\r\n\r\n", 400},
      Case{"GET / HTTP/1.1 \r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\n: b\r\n\r\n", 400},
      Case{"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
      Case{"GET /\x01 HTTP/1.1\r\n\r\n", 400},
      Case{"\x16\x03\x01", 400},
      Case{"G@T / HTTP/1.1\r\n\r\n", 400},
      Case{"GET / FTP/1.1\r\n\r\n", 400},
      Case{"GET / HTTP/1.x\r\n\r\n", 400},
      Case{"GET / HTTP/3.0\r\n\r\n", 505},
      Case{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 200},
      Case{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 200},
      Case{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      Case{"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400},
      Case{"POST / HTTP/1.1\r\nContent-Length: 5,5\r\n\r\n", 400},
      Case{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413},
      Case{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
      Case{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      Case{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      Case{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
  };
  for (const Case& test : kCases) {
    Request request;
    EXPECT_EQ(parse_request(test.bytes, request), test.status) << test.bytes;
    if (test.status == 200) {
      EXPECT_EQ(request.head_bytes, test.bytes.size()) << test.bytes;
    }
  }
  Request request;
  EXPECT_EQ(parse_request(std::string_view("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23), request), 400U);
}

TEST(HttpRequestTest, EveryPrefixOfAGoodHeadIsIncomplete) {
  constexpr std::string_view kHead = "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\nConnection: a, Close\r\n\r\n";
  Request request;
  for (std::size_t n = 0; n < kHead.size(); ++n) EXPECT_EQ(parse_request(kHead.substr(0, n), request), 0U) << n;
  ASSERT_EQ(parse_request(std::string(kHead) + "1234567", request), 200U);
  EXPECT_EQ(request.head_bytes, kHead.size());
  EXPECT_EQ(request.method, Method::kNotAllowed);
  EXPECT_EQ(request.body_bytes, 7U);
  EXPECT_EQ(request.persistence, Persistence::kClose);
}

TEST(HttpRequestTest, PersistenceFollowsVersionAndHeader) {
  const auto persistence = [](const std::string& version, const std::string& fields) {
    Request request;
    EXPECT_EQ(parse_request("GET / HTTP/" + version + "\r\n" + fields + "\r\n", request), 200U);
    return request.persistence;
  };
  EXPECT_EQ(persistence("1.1", ""), Persistence::kKeepAlive);
  EXPECT_EQ(persistence("1.0", ""), Persistence::kClose);
  EXPECT_EQ(persistence("1.0", "connection: KEEP-ALIVE\r\n"), Persistence::kKeepAlive10);
  EXPECT_EQ(persistence("1.1", "CONNECTION:close\r\n"), Persistence::kClose);
  EXPECT_EQ(persistence("1.1", "Connection: keep-alive, close\r\n"), Persistence::kClose);
  EXPECT_EQ(persistence("1.1", "Connection: closed\r\n"), Persistence::kKeepAlive);
  EXPECT_EQ(persistence("1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"), Persistence::kClose);
}

TEST(HttpPathTest, ResolvesBelowTheRoot) {
  const auto resolve = [](std::string_view target) {
    std::array<char, 256> scratch;
    const auto path = resolve_target(target, scratch);
    return path ? std::string(*path) : std::string("refused");
  };
  EXPECT_EQ(resolve("/"), "");
  EXPECT_EQ(resolve("/a/b.txt"), "a/b.txt");
  EXPECT_EQ(resolve("/a//b/./c/"), "a/b/c/");
  EXPECT_EQ(resolve("/a/../b"), "b");
  EXPECT_EQ(resolve("/a/b/../../c"), "c");
  EXPECT_EQ(resolve("/a/.."), "");
  EXPECT_EQ(resolve("/%41%2fb"), "A/b");
  EXPECT_EQ(resolve("/..."), "...");
  EXPECT_EQ(resolve("http://host/x?y"), "x");
  EXPECT_EQ(resolve("HTTP://host/x"), "x");
  EXPECT_EQ(resolve("hTtPs://HOST/X"), "X");
  EXPECT_EQ(resolve("http://host"), "");
  EXPECT_EQ(resolve("http://host?a/b"), "");
  EXPECT_EQ(resolve("http://host#a/../.."), "");
  for (const std::string_view bad : {"", "*", "a", "/..", "/a/../..", "/%2e%2e", "/a%2f..%2f..%2fb", "/%", "/%4", "/%zz", "/%00",
                                     "HTTP:/x", "HTTPX://host/x"}) {
    EXPECT_EQ(resolve(bad), "refused") << bad;
  }
}

TEST(HttpPathTest, ContentTypeByExtension) {
  EXPECT_EQ(content_type("a/b.html"), "text/html");
  EXPECT_EQ(content_type("b.tar.json"), "application/json");
  EXPECT_EQ(content_type("html"), "application/octet-stream");
  EXPECT_EQ(content_type("a.html/b"), "application/octet-stream");
}

}  // namespace
}  // namespace sluice::app
