// SPDX-License-Identifier: BSD-3-Clause
#include "port/pcap_port.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "port/memory_port.h"

namespace sluice::port {
namespace {

constexpr std::int64_t kOrigin = 1'700'000'000'123'456;  // us since 1970
constexpr MacAddress kMac = {2, 0, 0, 0, 0, 1};

class PcapPortTest : public testing::Test {
 protected:
  PcapPortTest() : dir_(std::filesystem::temp_directory_path() / ("sluice-pcap-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(dir_);
  }
  ~PcapPortTest() override { std::filesystem::remove_all(dir_); }

  std::string path(const char* name) const { return dir_ / name; }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A classic capture file made by hand, so that it can be wrong.
  struct Record {
    std::uint32_t sec, usec, caplen, len;
  };
  std::string capture(const char* name, const std::vector<Record>& records, std::uint32_t link = 1,
                      std::size_t cut = 0) const {
    std::string bytes;
    const auto put = [&](std::uint32_t v) { bytes.append(reinterpret_cast<const char*>(&v), 4); };
    for (const std::uint32_t v : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, link}) put(v);
    for (const Record& r : records) {
      for (const std::uint32_t v : {r.sec, r.usec, r.caplen, r.len}) put(v);
      bytes.append(r.caplen, 'x');
    }
    bytes.resize(bytes.size() - cut);
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string error_of(const std::string& path) {
    const auto checked = check_capture(path);
    return checked.ok() ? "no error" : checked.error().message;
  }

  std::filesystem::path dir_;
};

TEST_F(PcapPortTest, WhatIsWrittenIsReadBackToTheMicrosecond) {
  auto writer = PcapWriter::open(path("a.pcap"), kOrigin);
  ASSERT_TRUE(writer.ok());
  const std::vector<std::uint8_t> first(60, 1);
  const std::vector<std::uint8_t> second(1514, 2);
  (*writer)->write(first, Instant{0});
  (*writer)->write(second, Instant{0} + Duration::seconds(7200) + Duration::nanoseconds(1'999));
  ASSERT_TRUE((*writer)->close().ok());

  auto reader = PcapReader::open(path("a.pcap"));
  ASSERT_TRUE(reader.ok());
  auto frame = (*reader)->next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->bytes, first);
  EXPECT_EQ((*frame)->at, Instant{0});
  EXPECT_EQ((*reader)->origin_us(), kOrigin);
  frame = (*reader)->next();
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((*frame)->bytes, second);
  EXPECT_EQ((*frame)->at.us(), 7'200'000'001);
  frame = (*reader)->next();
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->has_value());
}

TEST_F(PcapPortTest, EqualFramesGiveEqualBytes) {
  for (const char* name : {"a.pcap", "b.pcap"}) {
    auto writer = PcapWriter::open(path(name), kOrigin);
    ASSERT_TRUE(writer.ok());
    (*writer)->write(std::vector<std::uint8_t>(77, 3), Instant{5'000});
    ASSERT_TRUE((*writer)->close().ok());
  }
  EXPECT_EQ(content(path("a.pcap")), content(path("b.pcap")));
  EXPECT_EQ(content(path("a.pcap")).size(), 24U + 16U + 77U);
}

TEST_F(PcapPortTest, ACheckedCaptureIsSummedUp) {
  const auto summary = check_capture(capture("ok.pcap", {{10, 0, 60, 60}, {10, 0, 90, 90}, {12, 500, 70, 70}}));
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->frames, 3U);
  EXPECT_EQ(summary->origin_us, 10'000'000);
  EXPECT_EQ(summary->end.us(), 2'000'500);
  EXPECT_EQ(summary->longest, 90U);
}

TEST_F(PcapPortTest, BadCapturesAreRefusedWithFileAndFrame) {
  EXPECT_EQ(
      error_of(capture("wifi.pcap", {}, 105)),
      path("wifi.pcap") + ": the link type is IEEE802_11, must be Ethernet (EN10MB); capture on an Ethernet interface");
  EXPECT_EQ(error_of(capture("short.pcap", {{1, 0, 60, 60}, {1, 0, 96, 1514}})),
            path("short.pcap") + ": frame 2 is cut short (96 of 1514 bytes); capture whole frames (tcpdump -s 0)");
  EXPECT_EQ(error_of(capture("order.pcap", {{2, 0, 60, 60}, {2, 5, 60, 60}, {2, 4, 60, 60}})),
            path("order.pcap") + ": frame 3 is 1 us earlier than the one before it; sort the capture (reordercap)");
  EXPECT_EQ(error_of(path("none.pcap")),
            path("none.pcap") + ": cannot be read as a capture (No such file or directory)");
  const std::string cut = error_of(capture("cut.pcap", {{1, 0, 60, 60}, {1, 0, 60, 60}}, 1, 10));
  EXPECT_TRUE(cut.starts_with(path("cut.pcap") + ": frame 2 cannot be read (truncated dump file")) << cut;
  std::ofstream(path("text.pcap")) << "this is a text that is long enough to have a header";
  const std::string text = error_of(path("text.pcap"));
  EXPECT_TRUE(text.starts_with(path("text.pcap") + ": cannot be read as a capture (")) << text;
}

// pcapng has 64 bits for a time, and an interface says of what: here of seconds.
TEST_F(PcapPortTest, ATimeThatNoClockHasIsRefused) {
  const auto pcapng = [&](const char* name, std::uint64_t seconds) {
    std::string bytes;
    const auto put = [&](std::uint32_t v) { bytes.append(reinterpret_cast<const char*>(&v), 4); };
    const auto high = static_cast<std::uint32_t>(seconds >> 32U);
    const auto low = static_cast<std::uint32_t>(seconds);
    for (const std::uint32_t v : {0x0a0d0d0aU, 28U, 0x1a2b3c4dU, 1U, ~0U, ~0U, 28U}) put(v);  // section
    for (const std::uint32_t v : {1U, 32U, 1U, 65535U, 0x10009U, 0U, 0U, 32U}) put(v);        // Ethernet, if_tsresol 10^0
    for (const std::uint32_t v : {6U, 92U, 0U, high, low, 60U, 60U}) put(v);                  // packet
    bytes.append(60, 'x');
    put(92);
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  };
  EXPECT_EQ(error_of(pcapng("good.pcapng", 1'700'000'000)), "no error");
  EXPECT_EQ(error_of(pcapng("late.pcapng", 9'300'000'000'000)),
            path("late.pcapng") + ": frame 1 was captured 9300000000000 s after 1970, must be 4500000000 at most; correct its time "
                                  "(editcap -t)");
  EXPECT_NE(error_of(pcapng("never.pcapng", ~std::uint64_t{0} >> 1U)), "no error");
}

TEST_F(PcapPortTest, AnOutputThatCannotBeWrittenIsRefused) {
  const auto writer = PcapWriter::open(path("no/such/dir.pcap"), 0);
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(writer.error().message, path("no/such/dir.pcap") + ": cannot be written (No such file or directory)");
}

TEST_F(PcapPortTest, AFullDiskIsReportedAtTheEnd) {
  auto writer = PcapWriter::open("/dev/full", 0);
  ASSERT_TRUE(writer.ok());
  (*writer)->write(std::vector<std::uint8_t>(60, 1), Instant{0});
  const auto closed = (*writer)->close();
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(closed.error().code, Errc::kIo);
}

TEST_F(PcapPortTest, FramesArriveOnTheCapturesClockAndAnswersCarryIt) {
  MemoryBufSource source(8);
  BufPool pool(source);
  auto reader = PcapReader::open(capture("in.pcap", {{10, 0, 60, 60}, {10, 7, 4000, 4000}, {10, 9, 70, 70}}));
  auto writer = PcapWriter::open(path("out.pcap"), 10'000'000);
  ASSERT_TRUE(reader.ok() && writer.ok());
  PcapPort port("p", source, **reader, writer->get(), kMac, 4);
  EXPECT_EQ(port.next_arrival(), Instant{0});
  std::array<Buf*, 4> in{};
  ASSERT_EQ(port.receive(0, in, Instant{0}), 1U);
  EXPECT_EQ(in[0]->len, 60U);
  EXPECT_EQ(in[0]->port, 4);
  EXPECT_EQ(port.next_arrival(), Instant{7'000});
  ASSERT_EQ(port.receive(0, std::span(in).subspan(1), Instant{9'000}), 1U)
      << "the frame that fits no buffer is passed over";
  EXPECT_EQ(in[1]->len, 70U);
  EXPECT_EQ(port.stats().rx_missed, 1U);
  EXPECT_EQ(port.next_arrival(), Instant::never());
  EXPECT_FALSE(port.failure().has_value());

  pool.adopt(in[0]);
  pool.adopt(in[1]);
  in[0]->n_fragments = 1;
  in[0]->fragments()[0] = {in[1], in[1]->data, 10};
  in[0]->len_total = 70;
  ASSERT_EQ(port.transmit(0, std::span(in).first(1), pool, Instant{12'000}), 1U);
  pool.disown();
  EXPECT_EQ(pool.in_use(), 0U) << "the frame's reference was the last one on its fragment's owner";
  ASSERT_TRUE((*writer)->close().ok());

  const auto out = check_capture(path("out.pcap"));
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->frames, 1U);
  EXPECT_EQ(out->longest, 70U);
  EXPECT_EQ(out->origin_us, 10'000'012);
}

TEST_F(PcapPortTest, AFrameThatIsBadInTheMiddleEndsTheInputAndSaysWhy) {
  MemoryBufSource source(8);
  auto reader = PcapReader::open(capture("order.pcap", {{2, 5, 60, 60}, {2, 4, 60, 60}}));
  ASSERT_TRUE(reader.ok());
  PcapPort port("p", source, **reader, nullptr, kMac);
  std::array<Buf*, 4> in{};
  ASSERT_EQ(port.receive(0, in, Instant::never()), 1U);
  EXPECT_EQ(port.next_arrival(), Instant::never());
  ASSERT_TRUE(port.failure().has_value());
  in[0]->refs = 0;
  source.give(std::span(in).first(1));
}

}  // namespace
}  // namespace sluice::port
