// SPDX-License-Identifier: BSD-3-Clause
// The remote service through its real socket, over fake connections and shards. Time moves
// only when a test says so.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "app/registry.h"
#include "fake_stack.h"

namespace sluice {
namespace {

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { leave(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void write(const std::string& text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string read() const {
    std::string text;
    std::array<char, 65536> piece;
    for (ssize_t n = 0; (n = ::recv(fd_, piece.data(), piece.size(), 0)) > 0;) text.append(piece.data(), static_cast<std::size_t>(n));
    return text;
  }
  void finish() const { ::shutdown(fd_, SHUT_WR); }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

class RemoteTest : public testing::Test {
 protected:
  RemoteTest() {
    std::array<char, 32> name{"/tmp/sluice-remote-XXXXXX"};
    directory_ = mkdtemp(name.data());
    path_ = directory_ + "/socket";
  }
  ~RemoteTest() override {
    services_.clear();
    std::filesystem::remove_all(directory_);
  }

  void start(unsigned shards = 1) {
    ServiceConfig config;
    config.name = "remote";
    config.app = "remote";
    config.options["socket"] = path_;
    const Result<ServiceFactory> factory = app::make_factory(config);
    ASSERT_TRUE(factory.ok());
    for (unsigned i = 0; i < shards; ++i) {
      services_.push_back((*factory)(i));
      owned_.push_back(std::make_unique<FakeShard>(stack_, i, shards));
      shards_.push_back(owned_.back().get());
    }
    for (unsigned i = 0; i < shards; ++i) services_[i]->on_start(*shards_[i]);
  }

  void loop(Duration time = Duration::microseconds(100)) {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      shards_[i]->time = shards_[i]->time + time;
      services_[i]->on_poll(shards_[i]->time);
    }
    for (FakeShard* shard : shards_) shard->transmit();
    for (FakeShard* shard : shards_) shard->deliver_posts(shards_);
  }
  // The answer after some loops.
  std::string ask(const Client& client, const std::string& line) {
    client.write(line + "\n");
    for (int i = 0; i < 8; ++i) loop();
    return client.read();
  }
  Connection arrive_connection(unsigned shard = 0, std::uint32_t listener = 1) {
    const Connection connection = stack_.open();
    stack_.at(connection).info.peer = *Endpoint::parse("10.77.0.9:1234");
    services_[shard]->on_accept(connection, ListenerId{listener});
    return connection;
  }
  void close(Connection connection, Errc reason) {
    services_[0]->on_closed(connection, reason);
    stack_.at(connection).closed = true;
  }

  std::string directory_, path_;
  stack::Stack stack_;
  std::vector<std::unique_ptr<FakeShard>> owned_;
  std::vector<FakeShard*> shards_;
  std::vector<std::unique_ptr<Service>> services_;
};

TEST_F(RemoteTest, ListensWithItsOptionsAndTellsTheChosenPort) {
  start();
  const Client client(path_);
  EXPECT_EQ(ask(client, "listen 10.77.0.1:0 backlog=50 mss=1000 quickack=0"), "ok L1\n");
  const FakeShard::Listener& listener = shards_[0]->listeners.at(1);
  EXPECT_EQ(listener.backlog, 50U);
  EXPECT_EQ(listener.options.mss, 1000U);
  EXPECT_FALSE(listener.options.quickack);
  EXPECT_EQ(listener.options.rcvbuf, 0U);
  EXPECT_EQ(ask(client, "get L1 local"), "ok 10.77.0.1:40000\n");
  EXPECT_EQ(ask(client, "get L1 state"), "ok LISTEN\n");
  // Not what was asked for, which is nothing here, but what is in force.
  shards_[0]->effective = {{Option::kRcvbuf, 77000}, {Option::kTtl, 33}};
  EXPECT_EQ(ask(client, "get L1 rcvbuf"), "ok 77000\n");
  EXPECT_EQ(ask(client, "get L1 ttl"), "ok 33\n");
  EXPECT_EQ(ask(client, "set L1 rcvbuf 5000"), "ok\n");
  EXPECT_EQ(ask(client, "get L1 rcvbuf"), "ok 5000\n");
  EXPECT_EQ(ask(client, "listen 10.77.0.1:0"), "error EADDRINUSE\n");
  EXPECT_EQ(ask(client, "set L1 nodelay 1"), "ok\n");
  EXPECT_EQ(listener.set.at(Option::kNodelay), 1);
  EXPECT_EQ(ask(client, "close L1"), "ok\n");
  EXPECT_TRUE(shards_[0]->listeners.empty());
  EXPECT_EQ(ask(client, "accept L1"), "error EBADF\n");
  EXPECT_EQ(ask(client, "listen 10.77.0.1:0"), "ok L2\n");
}

TEST_F(RemoteTest, AcceptWaitsAndHandlesAreShared) {
  start();
  const Client one(path_);
  const Client two(path_);
  ask(one, "listen 10.77.0.1:80");
  EXPECT_EQ(ask(one, "accept L1"), "error EAGAIN\n");
  EXPECT_EQ(ask(one, "accept L1 wait_ms=10"), "");
  EXPECT_EQ(ask(two, "poll L1 in"), "ok\n");
  const Connection c = arrive_connection();
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(one.read(), "ok C1 10.77.0.9:1234\n");
  EXPECT_EQ(ask(two, "send C1 6869"), "ok 2\n");
  EXPECT_EQ(stack_.at(c).sent, "hi");
  EXPECT_EQ(ask(one, "accept L1 wait_ms=10"), "");
  loop(Duration::milliseconds(10));
  EXPECT_EQ(one.read(), "error EAGAIN\n");
}

TEST_F(RemoteTest, AFullAcceptQueueHoldsTheListener) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80 backlog=1");
  arrive_connection();
  EXPECT_FALSE(shards_[0]->listeners.at(1).held);
  const Connection waiting = arrive_connection();
  EXPECT_TRUE(shards_[0]->listeners.at(1).held);
  EXPECT_EQ(ask(client, "poll L1"), "ok in\n");
  EXPECT_EQ(ask(client, "accept L1"), "ok C1 10.77.0.9:1234\n");
  EXPECT_FALSE(shards_[0]->listeners.at(1).held);
  EXPECT_EQ(ask(client, "close L1"), "ok\n");
  EXPECT_TRUE(stack_.at(waiting).aborted);
}

TEST_F(RemoteTest, ConnectTellsHowItEnded) {
  start();
  const Client client(path_);
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80"), "error EINPROGRESS C1\n");
  EXPECT_EQ(ask(client, "send C1 00"), "error EAGAIN\n");
  EXPECT_EQ(ask(client, "poll C1"), "ok\n");
  const Connection first = shards_[0]->connected;
  stack_.at(first).state = State::kEstablished;
  services_[0]->on_connected(first);
  EXPECT_EQ(ask(client, "poll C1"), "ok out\n");

  EXPECT_EQ(ask(client, "connect 10.77.0.2:81 wait_ms=1000 sndbuf=4096"), "");
  EXPECT_EQ(shards_[0]->connect_options.sndbuf, 4096U);
  close(shards_[0]->connected, Errc::kConnectionRefused);
  loop();
  EXPECT_EQ(client.read(), "error ECONNREFUSED C2\n");
  EXPECT_EQ(ask(client, "get C2 error"), "ok 0\n");
  EXPECT_EQ(ask(client, "poll C2"), "ok in out hup\n");
  EXPECT_EQ(ask(client, "close C2"), "ok\n");

  EXPECT_EQ(ask(client, "connect 10.77.0.2:82"), "error EINPROGRESS C3\n");
  close(shards_[0]->connected, Errc::kTimedOut);
  EXPECT_EQ(ask(client, "poll C3 in"), "ok in hup err\n");
  EXPECT_EQ(ask(client, "get C3 error"), "ok ETIMEDOUT\n");
  EXPECT_EQ(ask(client, "get C3 error"), "ok 0\n");

  shards_[0]->connect_error = Errc::kAddressNotAvailable;
  EXPECT_EQ(ask(client, "connect 10.77.0.2:83"), "error EADDRNOTAVAIL\n");
}

TEST_F(RemoteTest, BytesBeforeAResetAreReadFirstThenTheErrorOnceThenEof) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  stack_.at(c).received = {"ab", "cd"};
  EXPECT_EQ(ask(client, "recv C1 3 peek"), "ok 616263\n");
  close(c, Errc::kConnectionReset);
  EXPECT_EQ(ask(client, "get C1 state"), "ok CLOSED\n");
  EXPECT_EQ(ask(client, "get C1 peer"), "ok 10.77.0.9:1234\n");
  EXPECT_EQ(ask(client, "poll C1"), "ok in out hup err\n");
  EXPECT_EQ(ask(client, "recv C1 3 peek"), "ok 616263\n");
  EXPECT_EQ(ask(client, "recv C1 3"), "ok 616263\n");
  EXPECT_EQ(ask(client, "recv C1 3"), "ok 64\n");
  EXPECT_EQ(ask(client, "recv C1 3"), "error ECONNRESET\n");
  EXPECT_EQ(ask(client, "recv C1 3"), "ok eof\n");
  EXPECT_EQ(ask(client, "send C1 00"), "error EPIPE\n");
  EXPECT_EQ(ask(client, "poll C1"), "ok in out hup\n");
  EXPECT_EQ(ask(client, "shutdown C1 wr"), "error ENOTCONN\n");
}

TEST_F(RemoteTest, SendRecvPollAndShutdownOnALiveConnection) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  stack_.at(c).room = 5;
  EXPECT_EQ(ask(client, "send C1 fill=9"), "ok 5\n");
  EXPECT_EQ(stack_.at(c).sent, std::string(5, '\0'));
  EXPECT_EQ(ask(client, "send C1 fill=1"), "error EAGAIN\n");
  EXPECT_EQ(ask(client, "send C1 fill=0"), "ok 0\n");
  EXPECT_EQ(ask(client, "send C1 00"), "error EAGAIN\n");
  EXPECT_EQ(ask(client, "poll C1 wait_ms=100"), "");
  stack_.at(c).room = 1;
  loop();
  EXPECT_EQ(client.read(), "ok out\n");
  EXPECT_EQ(ask(client, "recv C1 10"), "error EAGAIN\n");
  EXPECT_EQ(ask(client, "recv C1 10 wait_ms=100"), "");
  stack_.at(c).received = {"x"};
  loop();
  EXPECT_EQ(client.read(), "ok 78\n");
  EXPECT_EQ(ask(client, "shutdown C1 wr"), "ok\n");
  EXPECT_TRUE(stack_.at(c).write_shut);
  EXPECT_EQ(ask(client, "send C1 00"), "error EPIPE\n");
  EXPECT_EQ(ask(client, "poll C1 in"), "ok\n");
  stack_.at(c).peer_fin = true;
  stack_.at(c).state = State::kTimeWait;
  EXPECT_EQ(ask(client, "get C1 state"), "ok TIME_WAIT\n");
  EXPECT_EQ(ask(client, "poll C1 in"), "ok in hup\n");
  EXPECT_EQ(ask(client, "recv C1 10"), "ok eof\n");
}

TEST_F(RemoteTest, OptionsAreSetAndReadAndOutliveTheConnection) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  EXPECT_EQ(ask(client, "set C1 linger_s 0"), "ok\n");
  EXPECT_EQ(stack_.at(c).options.at(Option::kLingerS), 0);
  EXPECT_EQ(ask(client, "set C1 linger_s off"), "ok\n");
  EXPECT_EQ(ask(client, "get C1 linger_s"), "ok off\n");
  EXPECT_EQ(ask(client, "set C1 congestion cubic"), "ok\n");
  EXPECT_EQ(ask(client, "get C1 congestion"), "ok cubic\n");
  EXPECT_EQ(ask(client, "set C1 congestion reno"), "ok\n");
  EXPECT_EQ(ask(client, "get C1 congestion"), "ok newreno\n");
  EXPECT_EQ(ask(client, "get C1 colour"), "error ENOPROTOOPT\n");
  EXPECT_EQ(ask(client, "get C9 colour"), "error EBADF\n");
  EXPECT_EQ(ask(client, "set C1 nodelay yes"), "error EINVAL\n");
  const std::map<std::string, std::string> values = {
      {"nodelay", "1"}, {"cork", "1"}, {"keepalive", "1"}, {"keepidle_s", "8"}, {"keepintvl_s", "9"},
      {"keepcnt", "7"}, {"mss", "900"}, {"rcvbuf", "3000"}, {"sndbuf", "4000"}, {"user_timeout_ms", "70"},
      {"linger_s", "3"}, {"congestion", "dctcp"}, {"quickack", "1"}, {"ttl", "31"}, {"dscp", "46"}};
  for (const auto& [name, value] : values) EXPECT_EQ(ask(client, "set C1 " + name + " " + value), "ok\n") << name;
  stack_.at(c).sndbuf = 4000;
  close(c, Errc::kOk);
  for (const auto& [name, value] : values) EXPECT_EQ(ask(client, "get C1 " + name), "ok " + value + "\n") << name;
}

TEST_F(RemoteTest, SendTakesWhatSndbufHasRoomForHoweverMuchIsOffered) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  stack_.at(c).room = 9U << 20U;
  EXPECT_EQ(ask(client, "send C1 fill=5000000"), "ok 5000000\n");
  EXPECT_EQ(ask(client, "send C1 fill=18446744073709551615"), "ok 4437184\n");
  EXPECT_EQ(ask(client, "send C1 fill=5000000"), "error EAGAIN\n");
}

TEST_F(RemoteTest, CloseAndAbortTakeTheHandleAtOnce) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection closed = arrive_connection();
  const Connection aborted = arrive_connection();
  ask(client, "accept L1\naccept L1");
  EXPECT_EQ(ask(client, "close C1\nget C1 state\nabort C2\nabort C2"), "ok\nerror EBADF\nok\nerror EBADF\n");
  EXPECT_TRUE(stack_.at(closed).closed);
  EXPECT_TRUE(stack_.at(aborted).aborted);
}

TEST_F(RemoteTest, ResetForgetsEverythingAndAnswersWhenTheRstsHaveLeft) {
  start();
  const Client client(path_);
  const Client other(path_);
  ask(client, "listen 10.77.0.1:80");
  arrive_connection();
  ask(client, "accept L1");
  EXPECT_EQ(ask(other, "recv C1 1 wait_ms=100000"), "");
  client.write("reset\n");
  shards_[0]->device_full = true;
  for (int i = 0; i < 20; ++i) loop();
  EXPECT_EQ(shards_[0]->resets, 1);
  EXPECT_EQ(client.read(), "");
  shards_[0]->device_full = false;
  for (int i = 0; i < 2; ++i) loop();
  EXPECT_EQ(client.read(), "ok\n");
  EXPECT_EQ(other.read(), "error EBADF\n");
  EXPECT_TRUE(shards_[0]->listeners.empty());
  EXPECT_EQ(ask(client, "listen 10.77.0.1:80"), "ok L2\n");
  arrive_connection(0, 2);
  EXPECT_EQ(ask(client, "accept L2"), "ok C2 10.77.0.9:1234\n");
}

TEST_F(RemoteTest, AClientThatLeftTakesNothing) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  {
    Client leaving(path_);
    Client accepting(path_);
    EXPECT_EQ(ask(leaving, "recv C1 10 wait_ms=100000"), "");
    EXPECT_EQ(ask(accepting, "accept L1 wait_ms=100000"), "");
  }
  stack_.at(c).received = {"kept"};
  arrive_connection();
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(ask(client, "recv C1 10"), "ok 6b657074\n");
  EXPECT_EQ(ask(client, "accept L1"), "ok C2 10.77.0.9:1234\n");
}

TEST_F(RemoteTest, WhatAClientAskedBeforeItLeftIsDone) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  Client brief(path_);
  brief.write("send C1 61\nrecv C1 1\nabort C1\n");
  brief.leave();
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(stack_.at(c).sent, "a");
  EXPECT_TRUE(stack_.at(c).aborted);
}

TEST_F(RemoteTest, AClientThatOnlyFinishedSendingGetsItsAnswers) {
  start();
  const Client client(path_);
  client.write("listen 10.77.0.1:80\naccept L1 wait_ms=5\nget L1 state");
  client.finish();
  for (int i = 0; i < 3; ++i) loop();
  loop(Duration::milliseconds(5));
  EXPECT_EQ(client.read(), "ok L1\nerror EAGAIN\nok LISTEN\n");
}

TEST_F(RemoteTest, AnswersComeInOrderAndHugeLinesPass) {
  start();
  const Client client(path_);
  ask(client, "listen 10.77.0.1:80");
  const Connection c = arrive_connection();
  ask(client, "accept L1");
  stack_.at(c).room = 3U << 20U;
  const std::string line = "send C1 " + std::string(4U << 20U, '5') + "\nget C1 state\n";
  std::string answers;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t n = std::min<std::size_t>(65536, line.size() - at);
    client.write(line.substr(at, n));
    at += n;
    loop();
  }
  for (int i = 0; i < 5; ++i) loop();
  EXPECT_EQ(client.read(), "ok 2097152\nok ESTABLISHED\n");
  EXPECT_EQ(stack_.at(c).sent.size(), 2U << 20U);
}

TEST_F(RemoteTest, WorksAcrossShardsAlsoWithFullMailboxes) {
  start(2);
  const Client client(path_);
  EXPECT_EQ(ask(client, "listen 10.77.0.1:80 backlog=0"), "ok L1\n");
  EXPECT_EQ(shards_[1]->listeners.size(), 1U);
  EXPECT_EQ(ask(client, "accept L1 wait_ms=100"), "");
  shards_[1]->mailbox_full = true;
  const Connection c = arrive_connection(1);
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(client.read(), "");
  shards_[1]->mailbox_full = false;
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(client.read(), "ok C1 10.77.0.9:1234\n");
  EXPECT_EQ(ask(client, "send C1 6869"), "ok 2\n");
  EXPECT_EQ(stack_.at(c).sent, "hi");
  EXPECT_EQ(ask(client, "recv C1 5 wait_ms=1000"), "");
  stack_.at(c).received = {"yo"};
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(client.read(), "ok 796f\n");
  arrive_connection(1);
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_TRUE(shards_[0]->listeners.at(1).held);
  EXPECT_TRUE(shards_[1]->listeners.at(1).held);
  shards_[1]->device_full = true;
  EXPECT_EQ(ask(client, "reset"), "") << "shard 1's have not left";
  EXPECT_EQ(shards_[0]->resets, 1);
  EXPECT_EQ(shards_[1]->resets, 1);
  shards_[1]->device_full = false;
  for (int i = 0; i < 3; ++i) loop();
  EXPECT_EQ(client.read(), "ok\n");
}

// The answers to it come to one shard; the others refuse.
TEST_F(RemoteTest, AConnectFromAGivenPortIsTheShardsThatOwnsIt) {
  start(3);
  const Client client(path_);
  shards_[0]->connect_error = shards_[2]->connect_error = Errc::kAddressNotAvailable;
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80"), "error EADDRNOTAVAIL\n") << "no port is free on shard 0";
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80 from=10.77.0.1:5000 wait_ms=1000"), "");
  const Connection c = shards_[1]->connected;
  ASSERT_TRUE(c.valid());
  stack_.at(c).state = State::kEstablished;
  services_[1]->on_connected(c);
  for (int i = 0; i < 5; ++i) loop();
  EXPECT_EQ(client.read(), "ok C1\n");
  EXPECT_EQ(ask(client, "send C1 6869"), "ok 2\n");
  EXPECT_EQ(stack_.at(c).sent, "hi");

  EXPECT_EQ(ask(client, "connect 10.77.0.2:80 from=10.77.0.1:5001"), "error EINPROGRESS C2\n");
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80 from=10.77.0.1:5002 wait_ms=1000"), "");
  services_[1]->on_closed(shards_[1]->connected, Errc::kConnectionRefused);
  stack_.at(shards_[1]->connected).closed = true;
  for (int i = 0; i < 5; ++i) loop();
  EXPECT_EQ(client.read(), "error ECONNREFUSED C3\n");
  shards_[1]->connect_error = Errc::kAddressInUse;
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80 from=10.77.0.1:5000"), "error EADDRINUSE\n");
  shards_[1]->connect_error = Errc::kAddressNotAvailable;
  EXPECT_EQ(ask(client, "connect 10.77.0.2:80 from=10.77.0.7:5000"), "error EADDRNOTAVAIL\n") << "nobody's";
}

TEST_F(RemoteTest, WhatAnotherShardConnectsForAClientThatLeftIsAborted) {
  start(2);
  shards_[0]->connect_error = Errc::kAddressNotAvailable;
  Client client(path_);
  client.write("connect 10.77.0.2:80 from=10.77.0.1:5000 wait_ms=1000\n");
  shards_[1]->mailbox_full = true;  // its answer is late
  for (int i = 0; i < 5; ++i) loop();
  const Connection c = shards_[1]->connected;
  ASSERT_TRUE(c.valid());
  client.leave();
  for (int i = 0; i < 3; ++i) loop();
  shards_[1]->mailbox_full = false;
  for (int i = 0; i < 5; ++i) loop();
  EXPECT_TRUE(stack_.at(c).aborted);
}

TEST_F(RemoteTest, AListenThatFailsOnOneShardLeavesNothing) {
  start(2);
  const Client client(path_);
  shards_[1]->listeners[77].local = *Endpoint::parse("10.77.0.1:80");
  EXPECT_EQ(ask(client, "listen 10.77.0.1:80"), "error EADDRINUSE\n");
  EXPECT_TRUE(shards_[0]->listeners.empty());
}

TEST_F(RemoteTest, ReplacesAStaleSocketOnlyAndRemovesItsOwn) {
  start();
  ServiceConfig config;
  config.name = "second";
  config.app = "remote";
  config.options["socket"] = path_;
  const Result<ServiceFactory> second = app::make_factory(config);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use by another process"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  services_.clear();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace sluice
