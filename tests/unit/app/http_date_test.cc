// SPDX-License-Identifier: BSD-3-Clause
// http's Date: the wall clock's second, in every answer, in one piece.
#include "app/http_date.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "fake_stack.h"

namespace sluice {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string written(std::int64_t unix_s) {
  std::array<char, 40> text{};
  const std::size_t size = app::write_http_date(unix_s, text);
  return {text.data(), size};
}

TEST(HttpDateTest, IsWrittenAsTheRfcWritesIt) {
  EXPECT_EQ(written(784'111'777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(written(951'782'400), "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
  EXPECT_EQ(written(1'798'761'599), "Date: Thu, 31 Dec 2026 23:59:59 GMT\r\n");
  EXPECT_EQ(written(253'402'300'799), "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
}

TEST(HttpDateTest, ChangesWithTheSecondAndNotBefore) {
  app::HttpDate date(true);
  const Instant start{1'000'000'000};
  const std::time_t before = std::time(nullptr);
  const std::string first(date.line(start));
  const std::time_t after = std::time(nullptr);
  EXPECT_TRUE(first == written(before) || first == written(after)) << first;
  const std::uint64_t version = date.version();
  EXPECT_EQ(date.line(start), first);
  EXPECT_EQ(date.version(), version);
  static_cast<void>(date.line(start + Duration::seconds(1)));
  EXPECT_EQ(date.version(), version + 1) << "a second is over at the latest after one";
  app::HttpDate none(false);
  EXPECT_EQ(none.line(start), "");
}

// How many answers there are; each has its date right behind the status line, and nothing else in it.
std::size_t dated(std::string_view sent) {
  std::size_t n = 0;
  for (std::size_t at = sent.find("HTTP/1.1 "); at != std::string_view::npos; at = sent.find("HTTP/1.1 ", at + 1)) {
    const std::size_t field = sent.find("\r\n", at) + 2;
    EXPECT_EQ(sent.substr(field, 6), "Date: ") << sent.substr(at, 80);
    EXPECT_EQ(sent.substr(field + 31, 23), " GMT\r\nServer: sluice\r\nC") << sent.substr(at, 100);
    ++n;
  }
  return n;
}

TEST(HttpDateTest, StandsInEveryAnswerHoweverItIsSent) {
  const std::string input = std::string(kGet) + "HEAD / HTTP/1.1\r\n\r\nBREW / HTTP/1.1\r\n\r\n" + std::string(kGet) + "bad\r\n\r\n";
  for (const char* bytes : {"0", "100", "4096", "4097", "200000"}) {
    for (const std::size_t cut : {input.size(), kGet.size(), std::size_t{7}}) {
      for (const std::size_t room : {3U, 64U, 1U << 20U}) {
        ServiceBench bench("http", {{"body_bytes", bytes}, {"time", "wall"}});
        const Connection c = bench.accept(room);
        for (std::size_t at = 0; at < input.size(); at += cut) {
          bench.arrive(c, std::string_view(input).substr(at, cut));
          bench.acknowledge(c, 0);
        }
        for (int i = 0; i < 200'000 && bench.stack.at(c).wants_room; ++i) {
          bench.shard.time = bench.shard.time + Duration::seconds(1);
          bench.acknowledge(c, room);
        }
        EXPECT_EQ(dated(bench.stack.at(c).sent), 5U) << bytes << " cut " << cut << " room " << room;
      }
    }
  }
}

TEST(HttpDateTest, StandsInAnswersFromFiles) {
  std::array<char, 32> name{"/tmp/sluice-date-XXXXXX"};
  const std::string directory = ::mkdtemp(name.data());
  std::ofstream(directory + "/small") << "small";
  std::ofstream(directory + "/large") << std::string(200'000, 'x');
  std::filesystem::create_directory(directory + "/sub");
  ServiceBench bench("http", {{"root", directory}, {"time", "wall"}});
  for (const char* target : {"/small", "/large", "/sub", "/none"}) {
    const Connection c = bench.accept(1U << 20U);
    bench.arrive(c, "GET " + std::string(target) + " HTTP/1.0\r\n\r\n");
    EXPECT_EQ(dated(bench.stack.at(c).sent), 1U) << target;
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sluice
