// SPDX-License-Identifier: BSD-3-Clause
// http over fake connections: the same bytes, however they are cut and whatever room there
// is, give the same answers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "fake_stack.h"

namespace sluice {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGetClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

class Directory {
 public:
  Directory() {
    std::array<char, 32> name{"/tmp/sluice-http-XXXXXX"};
    path = mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name) << text;
  }
  std::string path;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

// What the service sends for `input`, cut in pieces of `cut` bytes, with `room` at a time.
struct Outcome {
  std::string sent;
  bool closed = false;
  bool half_closed = false;
};
Outcome play(ServiceBench& bench, std::string_view input, std::size_t cut, std::size_t room) {
  const Connection c = bench.accept(room);
  for (std::size_t at = 0; at < input.size(); at += cut) {
    bench.arrive(c, input.substr(at, cut));
    bench.acknowledge(c, 0);
  }
  for (int i = 0; i < 100000 && c.valid() && bench.stack.at(c).wants_room; ++i) bench.acknowledge(c, room);
  const auto& end = bench.stack.at(c);
  EXPECT_FALSE(end.closed_with_unread);
  return {end.sent, end.closed, end.write_shut};
}

TEST(HttpTest, AnswersASimpleRequestAndKeepsTheConnection) {
  ServiceBench bench("http", {{"body_bytes", "10"}});
  const Connection c = bench.accept();
  bench.arrive(c, kGet);
  EXPECT_EQ(bench.stack.at(c).sent,
            "HTTP/1.1 200 OK\r\nServer: sluice\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(bench.stack.at(c).context, nullptr);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, ConnectionCloseClosesInTheSameCallback) {
  ServiceBench bench("http", {{"body_bytes", "3"}});
  const Connection c = bench.accept();
  bench.arrive(c, kGetClose);
  EXPECT_TRUE(bench.stack.at(c).sent.ends_with("Connection: close\r\n\r\n012"));
  EXPECT_TRUE(bench.stack.at(c).closed);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(HttpTest, Http10ClosesUnlessAskedToKeep) {
  ServiceBench bench("http", {{"body_bytes", "0"}});
  EXPECT_TRUE(play(bench, "GET / HTTP/1.0\r\n\r\n", 999, 999).closed);
  const Outcome kept = play(bench, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 999, 999);
  EXPECT_FALSE(kept.closed);
  EXPECT_TRUE(kept.sent.ends_with("Connection: keep-alive\r\n\r\n"));
}

TEST(HttpTest, CutsAndRoomNeverChangeTheAnswers) {
  const std::string input = std::string(kGet) + "HEAD /x HTTP/1.1\r\n\r\n" +
                            "POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\nHello, body!" + "BREW / HTTP/1.1\r\n\r\n" +
                            "\r\nGET / HTTP/1.1\nHost: bare-lf\n\n" + std::string(kGetClose);
  for (const char* bytes : {"0", "100", "4096", "4097", "200000"}) {
    ServiceBench bench("http", {{"body_bytes", bytes}});
    const Outcome whole = play(bench, input, input.size(), 1U << 20U);
    EXPECT_TRUE(whole.closed);
    EXPECT_EQ(count(whole.sent, "HTTP/1.1 200 OK"), 4U);
    EXPECT_EQ(count(whole.sent, "HTTP/1.1 405 Method Not Allowed"), 1U);
    EXPECT_EQ(count(whole.sent, "HTTP/1.1 501 Not Implemented"), 1U);
    EXPECT_EQ(count(whole.sent, "Connection: close"), 1U);
    // Bodies for the three GETs, none for the HEAD.
    const std::size_t without_bodies = whole.sent.size() - 3 * std::stoul(bytes);
    EXPECT_LT(without_bodies, 1200U);
    for (const std::size_t cut : {1UL, 2UL, 7UL, 30UL, 61UL}) {
      for (const std::size_t room : {64UL, 1448UL, 1UL << 20U}) {
        const Outcome cut_up = play(bench, input, cut, room);
        EXPECT_TRUE(cut_up.sent == whole.sent) << bytes << " cut " << cut << " room " << room;
        EXPECT_TRUE(cut_up.closed);
      }
    }
    EXPECT_EQ(bench.stack.buffers_out, 0);
  }
}

TEST(HttpTest, CutAnywhereInARequestIsOneAnswer) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const Outcome whole = play(bench, kGetClose, 999, 999);
  for (std::size_t at = 1; at < kGetClose.size(); ++at) {
    const Connection c = bench.accept();
    bench.arrive(c, kGetClose.substr(0, at));
    EXPECT_EQ(bench.stack.at(c).sent, "");
    bench.arrive(c, kGetClose.substr(at));
    EXPECT_EQ(bench.stack.at(c).sent, whole.sent) << at;
    EXPECT_TRUE(bench.stack.at(c).closed);
  }
}

TEST(HttpTest, RefusalsSendFinAndWaitForThePeersBeforeClosing) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const Connection c = bench.accept();
  bench.arrive(c, "garbage\r\n\r\nmore garbage");
  EXPECT_TRUE(bench.stack.at(c).sent.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(bench.stack.at(c).write_shut);
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.arrive(c, "still sending");
  EXPECT_EQ(bench.stack.at(c).readable(), 0U);
  EXPECT_EQ(count(bench.stack.at(c).sent, "HTTP/1.1"), 1U);
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, LingersTwoSecondsAtMost) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const Connection c = bench.accept();
  bench.arrive(c, "garbage\r\n\r\n");
  bench.poll_after(Duration::milliseconds(1999));
  EXPECT_FALSE(bench.stack.at(c).gone());
  bench.poll_after(Duration::milliseconds(1));
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, StatusOfBadRequests) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const auto status = [&](const std::string& input) {
    const std::string sent = play(bench, input, 1400, 1U << 20U).sent;
    return sent.size() < 12 ? std::string("none") : sent.substr(9, 3);
  };
  EXPECT_EQ(status("GET / HTTP/2.0\r\n\r\n"), "505");
  EXPECT_EQ(status("GET /\r\n\r\n"), "400");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "411");
  EXPECT_EQ(status("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n"), "414");
  EXPECT_EQ(status("GET /" + std::string(9000, 'a')), "414");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a')), "431");
}

TEST(HttpTest, UnfinishedRequestBeforeFinIsBad) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const Connection c = bench.accept();
  bench.arrive(c, "GET / HT");
  bench.arrive_fin(c);
  EXPECT_TRUE(bench.stack.at(c).sent.starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, DrainAnswersWithClose) {
  ServiceBench bench("http", {{"body_bytes", "5"}});
  const Connection c = bench.accept();
  bench.service->on_drain();
  bench.arrive(c, kGet);
  EXPECT_EQ(count(bench.stack.at(c).sent, "Connection: close"), 1U);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, DrainClosesWhatWaitsForARequestAndNothingElse) {
  ServiceBench bench("http", {{"body_bytes", "100000"}});
  const Connection idle = bench.accept();
  const Connection busy = bench.accept(10);
  bench.arrive(busy, kGet);
  bench.service->on_drain();
  for (const Connection c : {idle, busy}) bench.service->on_drain_connection(c);
  EXPECT_TRUE(bench.stack.at(idle).closed);
  EXPECT_FALSE(bench.stack.at(busy).closed);
}

TEST(HttpTest, IdleConnectionsAreClosedUnlessAnAnswerIsUnderWay) {
  ServiceBench bench("http", {{"body_bytes", "100000"}});
  const Connection silent = bench.accept();
  const Connection served = bench.accept(1'000'000);
  bench.arrive(served, kGet);
  const Connection halfway = bench.accept();
  bench.arrive(halfway, kGet.substr(0, 10));
  const Connection busy = bench.accept(10);
  bench.arrive(busy, kGet);
  for (const Connection c : {silent, served, halfway, busy}) bench.service->on_idle(c);
  for (const Connection c : {silent, served, halfway}) {
    EXPECT_TRUE(bench.stack.at(c).closed);
    EXPECT_FALSE(bench.stack.at(c).closed_with_unread);
  }
  EXPECT_FALSE(bench.stack.at(busy).closed);
  bench.acknowledge(busy, 200'000);
  EXPECT_GT(bench.stack.at(busy).sent.size(), 100'000U);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(HttpTest, AHeadThatTricklesInIsRefusedInTime) {
  ServiceBench bench("http", {{"body_bytes", "5"}, {"head_timeout_s", "10"}});
  const Connection slow = bench.accept();
  bench.poll_after(Duration::seconds(30));
  bench.arrive(slow, kGet.substr(0, 1));  // from here on
  for (std::size_t at = 1; at < 10; ++at) {
    bench.poll_after(Duration::milliseconds(1100));
    bench.arrive(slow, kGet.substr(at, 1));
  }
  bench.poll_after(Duration::milliseconds(99));
  EXPECT_EQ(bench.stack.at(slow).sent, "");
  bench.poll_after(Duration::milliseconds(1));
  EXPECT_TRUE(bench.stack.at(slow).sent.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(count(bench.stack.at(slow).sent, "Connection: close"), 1U);
  EXPECT_TRUE(bench.stack.at(slow).write_shut);
  bench.arrive(slow, kGet.substr(10));
  EXPECT_EQ(count(bench.stack.at(slow).sent, "HTTP/1.1"), 1U) << "nothing more is answered";
  bench.poll_after(Duration::seconds(2));
  EXPECT_TRUE(bench.stack.at(slow).closed);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(HttpTest, EveryHeadHasItsOwnTime) {
  ServiceBench bench("http", {{"body_bytes", "5"}, {"head_timeout_s", "10"}});
  std::vector<Connection> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(bench.accept());
    bench.arrive(all.back(), kGet.substr(0, 10));
    bench.poll_after(Duration::seconds(1));
  }
  // Whole, reset, closed by its peer, answered and begun anew: the first, one in the middle, and the last.
  bench.arrive(all[0], kGet.substr(10));
  bench.service->on_closed(all[2], Errc::kConnectionReset);
  bench.arrive_fin(all[3]);
  bench.arrive(all[5], std::string(kGet.substr(10)) + "GET");
  bench.poll_after(Duration::seconds(4));  // ten since the first
  const auto late = [&](int i) { return count(bench.stack.at(all[static_cast<std::size_t>(i)]).sent, "HTTP/1.1 408"); };
  EXPECT_EQ(late(1), 0U);
  bench.poll_after(Duration::seconds(1));
  EXPECT_EQ(late(1), 1U);
  EXPECT_EQ(late(4), 0U);
  bench.poll_after(Duration::seconds(3));
  EXPECT_EQ(late(4), 1U);
  EXPECT_EQ(late(5), 0U);
  bench.poll_after(Duration::seconds(2));
  EXPECT_EQ(late(5), 1U);
  for (const int i : {0, 2, 3}) EXPECT_EQ(late(i), 0U);
  all.push_back(bench.accept());
  bench.arrive(all[6], kGet.substr(0, 10));
  bench.arrive(all[6], kGet.substr(10));
  bench.poll_after(Duration::seconds(60));
  for (const int i : {0, 6}) {
    EXPECT_EQ(late(i), 0U);
    EXPECT_FALSE(bench.stack.at(all[static_cast<std::size_t>(i)]).gone()) << "it asks for nothing now";
  }
}

TEST(HttpTest, AnEmptyLineBeginsNoRequest) {
  for (const std::string_view behind : {"\r\n", "\n", "\r\n\r\n", "\r"}) {
    ServiceBench bench("http", {{"body_bytes", "5"}, {"head_timeout_s", "10"}});
    const Connection waits = bench.accept();
    const Connection leaves = bench.accept();
    for (const Connection c : {waits, leaves}) bench.arrive(c, std::string(kGet) + std::string(behind));
    const Connection alone = bench.accept();
    bench.arrive(alone, behind);
    EXPECT_EQ(bench.stack.at(alone).context, nullptr);
    bench.poll_after(Duration::seconds(11));
    bench.arrive_fin(leaves);
    EXPECT_EQ(count(bench.stack.at(leaves).sent, "HTTP/1.1"), 1U) << bench.stack.at(leaves).sent;
    EXPECT_TRUE(bench.stack.at(leaves).closed);
    EXPECT_EQ(count(bench.stack.at(waits).sent, "HTTP/1.1"), 1U) << bench.stack.at(waits).sent;
    bench.arrive(waits, "\n");
    bench.arrive(waits, kGet);
    EXPECT_EQ(count(bench.stack.at(waits).sent, "HTTP/1.1 200"), 2U);
    EXPECT_FALSE(bench.stack.at(waits).gone());
  }
}

TEST(HttpTest, NoHeadIsLateWithATimeoutOfZero) {
  ServiceBench bench("http", {{"body_bytes", "5"}, {"head_timeout_s", "0"}});
  const Connection slow = bench.accept();
  bench.arrive(slow, "GET");
  bench.poll_after(Duration::seconds(86'400));
  EXPECT_EQ(bench.stack.at(slow).sent, "");
  ServiceBench usual("http", {{"body_bytes", "5"}});
  const Connection other = usual.accept();
  usual.arrive(other, "GET");
  usual.poll_after(Duration::milliseconds(59'999));
  EXPECT_EQ(usual.stack.at(other).sent, "");
  usual.poll_after(Duration::milliseconds(1));
  EXPECT_TRUE(usual.stack.at(other).sent.starts_with("HTTP/1.1 408"));
}

TEST(HttpTest, DrainClosesBehindTheAnswerThatIsUnderWay) {
  ServiceBench bench("http", {{"body_bytes", "100000"}});
  const Connection c = bench.accept(10);
  bench.arrive(c, kGet);
  bench.service->on_drain();
  EXPECT_FALSE(bench.stack.at(c).closed);
  bench.acknowledge(c, 200'000);
  EXPECT_GT(bench.stack.at(c).sent.size(), 100'000U);
  EXPECT_TRUE(bench.stack.at(c).closed);
}

TEST(HttpTest, GivesStateBackWhenTheConnectionIsReset) {
  ServiceBench bench("http", {{"body_bytes", "100000"}});
  const Connection c = bench.accept(10);
  bench.arrive(c, std::string(kGet) + std::string(kGet));
  EXPECT_EQ(bench.stack.buffers_out, 1);
  bench.service->on_closed(c, Errc::kConnectionReset);
  EXPECT_EQ(bench.stack.buffers_out, 0);
}

TEST(HttpTest, ServesOneFileForEveryPath) {
  const Directory dir;
  std::string text(300'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * i % 23);
  dir.write("it.json", text);
  ServiceBench bench("http", {{"file", dir.path + "/it.json"}});
  const Outcome got = play(bench, "GET /whatever HTTP/1.0\r\n\r\n", 999, 5000);
  EXPECT_NE(got.sent.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(body_of(got.sent) == text);
}

TEST(HttpTest, ServesFilesBelowTheRootOnly) {
  const Directory dir;
  std::string large(500'000, 'y');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('A' + i / 7 % 26);
  dir.write("secret.txt", "secret");
  dir.write("www/index.html", "<p>index</p>");
  dir.write("www/a b.txt", "blank");
  dir.write("www/sub/large.bin", large);
  std::filesystem::create_symlink("../secret.txt", dir.path + "/www/out.txt");
  std::filesystem::create_symlink("index.html", dir.path + "/www/in.html");
  ASSERT_EQ(mkfifo((dir.path + "/www/fifo").c_str(), 0600), 0);
  ServiceBench bench("http", {{"root", dir.path + "/www"}});
  const auto get = [&](const std::string& target) {
    return play(bench, "GET " + target + " HTTP/1.0\r\n\r\n", 999, 3000).sent;
  };
  EXPECT_EQ(body_of(get("/")), "<p>index</p>");
  EXPECT_EQ(body_of(get("/in.html")), "<p>index</p>");
  EXPECT_EQ(body_of(get("/a%20b.txt?q=1")), "blank");
  EXPECT_TRUE(body_of(get("/sub/../sub/./large.bin")) == large);
  EXPECT_EQ(get("/none").substr(9, 3), "404");
  EXPECT_EQ(get("/fifo").substr(9, 3), "404");
  EXPECT_EQ(get("/out.txt").substr(9, 3), "404");
  EXPECT_EQ(get("/../secret.txt").substr(9, 3), "400");
  EXPECT_EQ(get("/%2e%2e/secret.txt").substr(9, 3), "400");
  EXPECT_EQ(get("/sub").substr(9, 3), "301");
  EXPECT_NE(get("/sub").find("Location: /sub/\r\n"), std::string::npos);
  // A target that names a host must not send the client there.
  for (const char* target : {"//evil.example/..%2fsub", "/\\evil.example/..%2fsub", "http://evil.example/sub", "//sub"}) {
    EXPECT_NE(get(target).find("Location: /sub/\r\n"), std::string::npos) << get(target);
  }
  std::filesystem::create_directory(dir.path + "/www/sub/a b%");
  std::filesystem::create_directories(dir.path + "/www/odd/index.html");
  EXPECT_EQ(get("/odd/").substr(9, 3), "404");
  EXPECT_NE(get("/sub/a%20b%25").find("Location: /sub/a%20b%25/\r\n"), std::string::npos);
  dir.write("www/index.html", "changed");
  EXPECT_EQ(body_of(get("/")), "<p>index</p>");
  bench.shard.time = bench.shard.time + Duration::seconds(1);
  EXPECT_EQ(body_of(get("/")), "changed");
}

TEST(HttpTest, AFileWithItsOldTimeIsNoticedAllTheSame) {
  const Directory dir;
  const std::string name = dir.path + "/a.txt";
  dir.write("a.txt", "before");
  ServiceBench bench("http", {{"root", dir.path}});
  const auto get = [&] { return body_of(play(bench, "GET /a.txt HTTP/1.0\r\n\r\n", 999, 3000).sent); };
  EXPECT_EQ(get(), "before");
  struct stat old {};
  struct stat now {};
  ASSERT_EQ(stat(name.c_str(), &old), 0);
  // As a copy that keeps times does, written into the same file. The kernel's clock for files takes steps of some milliseconds.
  const std::array<timespec, 2> times = {old.st_atim, old.st_mtim};
  do {
    dir.write("a.txt", "behind");
    ASSERT_EQ(utimensat(AT_FDCWD, name.c_str(), times.data(), 0), 0);
    ASSERT_EQ(stat(name.c_str(), &now), 0);
  } while (now.st_ctim.tv_sec == old.st_ctim.tv_sec && now.st_ctim.tv_nsec == old.st_ctim.tv_nsec);
  ASSERT_EQ(now.st_ino, old.st_ino);
  bench.shard.time = bench.shard.time + Duration::seconds(1);
  EXPECT_EQ(get(), "behind");
}

// Lowers how many files this process may have open, and puts it back.
class FewFiles {
 public:
  explicit FewFiles(int more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // the lowest that is free
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next + more), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewFiles(const FewFiles&) = delete;
  FewFiles& operator=(const FewFiles&) = delete;

 private:
  rlimit before_{};
};

TEST(HttpTest, MoreFilesThanMayBeOpenAreServedInTurn) {
  const Directory dir;
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) {
    names.push_back(std::to_string(i) + ".bin");
    dir.write(names.back(), std::string(200'000, static_cast<char>('a' + i)));
  }
  ServiceBench bench("http", {{"root", dir.path}});
  const auto get = [&](const std::string& name) { return play(bench, "GET /" + name + " HTTP/1.0\r\n\r\n", 999, 300'000).sent; };
  const FewFiles few(4);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string sent = get(names[i]);
      ASSERT_EQ(sent.substr(9, 3), "200") << i;
      EXPECT_EQ(sent.back(), static_cast<char>('a' + i));
    }
  }
}

TEST(HttpTest, AFileThatCannotBeOpenedForWantOfDescriptorsIsNotMissing) {
  const Directory dir;
  for (const char* name : {"0", "1", "2", "3"}) dir.write(name, std::string(200'000, 'x'));
  dir.write("small", "small");
  ServiceBench bench("http", {{"root", dir.path}});
  const auto status = [&](const std::string& target) {
    return play(bench, "GET /" + target + " HTTP/1.0\r\n\r\n", 999, 300'000).sent.substr(9, 3);
  };
  EXPECT_EQ(status("small"), "200");
  const FewFiles few(3);
  std::vector<Connection> slow;  // each has a file open that it goes on with
  for (const char* name : {"0", "1", "2"}) {
    slow.push_back(bench.accept(100));
    bench.arrive(slow.back(), std::string("GET /") + name + " HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(bench.stack.at(slow.back()).sent.starts_with("HTTP/1.1 200")) << name;
  }
  EXPECT_EQ(status("3"), "503");
  EXPECT_EQ(status("small"), "200") << "it is in memory";
  EXPECT_EQ(status("none"), "503") << "nobody can tell";
  bench.service->on_closed(slow[0], Errc::kConnectionReset);
  EXPECT_EQ(status("3"), "200");
  EXPECT_EQ(status("none"), "404");
}

TEST(HttpTest, WhatCannotBeAFileIsMissing) {
  const Directory dir;
  dir.write("a.txt", "a");
  std::filesystem::create_symlink("loop", dir.path + "/loop");
  ServiceBench bench("http", {{"root", dir.path}});
  for (const std::string& target : {std::string("a.txt/b"), std::string("loop"), std::string(300, 'n')}) {
    EXPECT_EQ(play(bench, "GET /" + target + " HTTP/1.0\r\n\r\n", 999, 3000).sent.substr(9, 3), "404") << target;
  }
}

TEST(HttpTest, AbortsWhenALargeFileIsCutShortWhileItIsSent) {
  const Directory dir;
  dir.write("large.bin", std::string(400'000, 'z'));
  ServiceBench bench("http", {{"root", dir.path}});
  const Connection c = bench.accept(100'000);
  bench.arrive(c, "GET /large.bin HTTP/1.0\r\n\r\n");
  std::filesystem::resize_file(dir.path + "/large.bin", 1000);
  bench.acknowledge(c, 100'000);
  EXPECT_TRUE(bench.stack.at(c).aborted);
}

}  // namespace
}  // namespace sluice
