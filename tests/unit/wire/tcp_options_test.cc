// SPDX-License-Identifier: BSD-3-Clause
#include "wire/tcp_options.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "frames.h"

namespace sluice::wire {
namespace {

TcpOptions read(const ByteVector& bytes, bool syn = true) {
  const Exact copy(bytes);
  TcpOptions out;
  parse_tcp_options(copy.bytes(), syn, out);
  return out;
}
bool nothing(const TcpOptions& o) {
  return !o.has_mss && !o.has_wscale && !o.sack_permitted && !o.has_ts && o.n_sack == 0;
}
ByteVector written(const TcpOptions& options) {
  ByteVector bytes(tcp_options_size(options), 0xee);
  EXPECT_EQ(write_tcp_options(bytes.data(), options), bytes.size());
  EXPECT_EQ(bytes.size() % 4, 0U);
  EXPECT_LE(bytes.size(), kTcpOptionsMax);
  return bytes;
}

TEST(TcpOptions, NoneLeavesNoneOfTheLastPacketsFlags) {
  TcpOptions out;
  out.has_mss = out.has_wscale = out.sack_permitted = out.has_ts = true;
  out.n_sack = 4;
  parse_tcp_options({}, true, out);
  EXPECT_TRUE(nothing(out));
}

TEST(TcpOptions, EveryKindIsRead) {
  const auto o = read({2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7});
  EXPECT_TRUE(o.has_mss && o.has_wscale && o.sack_permitted && o.has_ts);
  EXPECT_EQ(o.mss, 1460);
  EXPECT_EQ(o.wscale, 7);
  EXPECT_EQ(o.tsval, 0x01020304U);
  EXPECT_EQ(o.tsecr, 0x05060708U);
}

TEST(TcpOptions, ASynsAreWrittenInLinuxsOrder) {
  TcpOptions o;
  o.has_mss = o.has_wscale = o.sack_permitted = o.has_ts = true;
  o.mss = 1460;
  o.wscale = 7;
  o.tsval = 0x01020304;
  o.tsecr = 0x05060708;
  EXPECT_EQ(written(o), (ByteVector{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7}));
  o.has_ts = false;
  EXPECT_EQ(written(o), (ByteVector{2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7}));
}

TEST(TcpOptions, PaddedTimestampsTakeTheFastWayToTheSameValues) {
  const ByteVector fast = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  TcpOptions slow;
  parse_tcp_options_slow(fast, false, slow);
  const auto o = read(fast, false);
  EXPECT_TRUE(o.has_ts && slow.has_ts);
  EXPECT_EQ(o.tsval, 0x01020304U);
  EXPECT_EQ(slow.tsval, o.tsval);
  EXPECT_EQ(o.tsecr, 0x05060708U);
  EXPECT_EQ(slow.tsecr, o.tsecr);
}

TEST(TcpOptions, RawValuesAreNotClamped) {  // cases 29-31: clamping is the connection's business
  EXPECT_EQ(read({2, 4, 0, 0}).mss, 0);
  EXPECT_TRUE(read({2, 4, 0, 0}).has_mss);
  EXPECT_EQ(read({2, 4, 0xff, 0xff}).mss, 65535);
  EXPECT_EQ(read({3, 3, 15, 0}).wscale, 15);
}

TEST(TcpOptions, UnknownKindsAreSkippedAndTheLastMssCounts) {  // case 34
  const auto o = read({254, 6, 9, 9, 9, 9, 2, 4, 1, 0, 30, 2, 2, 4, 2, 0, 0, 0, 0, 0});
  EXPECT_TRUE(o.has_mss);
  EXPECT_EQ(o.mss, 512);
}

TEST(TcpOptions, LengthZeroOneOrPastTheEndStopsParsing) {  // case 35
  for (const int bad : {0, 1, 11, 255}) {
    const auto o = read({4, 2, 254, static_cast<std::uint8_t>(bad), 2, 4, 1, 1, 3, 3, 7, 0});
    EXPECT_TRUE(o.sack_permitted) << bad;
    EXPECT_FALSE(o.has_mss || o.has_wscale) << bad;
  }
  EXPECT_TRUE(nothing(read({2, 4, 5})));
  EXPECT_TRUE(nothing(read({2})));
  EXPECT_TRUE(nothing(read({1, 1, 1, 8})));
}

TEST(TcpOptions, EndOfListEnds) { EXPECT_TRUE(nothing(read({0, 2, 4, 1, 1, 0, 0, 0}))); }

TEST(TcpOptions, KnownKindsWithAnotherLengthAreSkipped) {
  EXPECT_TRUE(nothing(read({2, 3, 5, 3, 4, 7, 7, 4, 3, 0, 8, 9, 1, 2, 3, 4, 5, 6, 7, 1})));
  EXPECT_EQ(read({5, 9, 1, 2, 3, 4, 5, 6, 7, 1, 1, 1}, false).n_sack, 0);
  EXPECT_EQ(read({5, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9}, false).n_sack, 0);
  EXPECT_EQ(read({5, 2, 1, 1}, false).n_sack, 0);
  // Found by fuzzing: one without blocks took away those of another before it.
  EXPECT_EQ(read({5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 2}, false).n_sack, 1);
  EXPECT_TRUE(read({2, 3, 5, 2, 4, 1, 0, 1}).has_mss);
}

TEST(TcpOptions, HandshakeOptionsOnOtherSegmentsAreIgnored) {  // case 36
  EXPECT_TRUE(nothing(read({2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0, 0, 0}, false)));
  EXPECT_EQ(read({1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}, true).n_sack, 0);
}

TEST(TcpOptions, SackBlocksAreReadUpToFour) {
  ByteVector bytes = {1, 1, 5, 34};
  for (std::uint8_t i = 0; i < 8; ++i) bytes.insert(bytes.end(), {0, 0, i, 1});
  const auto o = read(bytes, false);
  ASSERT_EQ(o.sack_blocks().size(), 4U);
  EXPECT_EQ(o.sack[0], (SackBlock{SeqNum(0x001), SeqNum(0x101)}));
  EXPECT_EQ(o.sack[3], (SackBlock{SeqNum(0x601), SeqNum(0x701)}));
}

TEST(TcpOptions, MoreThanFortyBytesAreNeverLookedAt) {
  ByteVector bytes(44, 1);
  bytes[40] = kOptSackPermitted;
  bytes[41] = 2;
  EXPECT_TRUE(nothing(read(bytes)));
}

TEST(TcpOptions, EveryTruncationReadsNothingBeyond) {
  const ByteVector all = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7,
                          1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
  for (std::size_t n = 0; n <= all.size(); ++n) {
    const auto o = read({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)}, true);
    EXPECT_EQ(o.has_mss, n >= 4) << n;
    EXPECT_EQ(o.sack_permitted, n >= 6) << n;
    EXPECT_EQ(o.has_ts, n >= 16) << n;
    EXPECT_EQ(o.has_wscale, n >= 20) << n;
  }
}

TEST(TcpOptions, RandomBytesNeverReadOutsideAndNeverSetAbsurdCounts) {
  Rng rng(11);
  for (int round = 0; round < 20000; ++round) {
    ByteVector bytes(rng.below(41));
    for (auto& b : bytes) b = static_cast<std::uint8_t>(rng.per_mille(700) ? rng.below(12) : rng.next());
    EXPECT_LE(read(bytes, rng.per_mille(500)).n_sack, kMaxSackBlocks);
  }
}

TEST(TcpOptions, ASynIsWrittenInTheCustomaryOrder) {
  TcpOptions o;
  o.has_mss = o.has_wscale = o.sack_permitted = o.has_ts = true;
  o.mss = 1460;
  o.wscale = 7;
  o.tsval = 0x01020304;
  EXPECT_EQ(written(o), ByteVector({2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}));
  o.has_ts = false;
  EXPECT_EQ(written(o), ByteVector({2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7}));
  EXPECT_EQ(written(TcpOptions{}), ByteVector{});
}

TEST(TcpOptions, AnEstablishedSegmentIsWrittenPadded) {
  TcpOptions o;
  o.has_ts = true;
  o.tsval = 0x01020304;
  o.tsecr = 0x05060708;
  EXPECT_EQ(written(o), ByteVector({1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}));
  o.has_ts = false;
  o.n_sack = 1;
  o.sack[0] = {SeqNum(0x11223344), SeqNum(0x55667788)};
  EXPECT_EQ(written(o), ByteVector({1, 1, 5, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88}));
}

TEST(TcpOptions, ThreeSackBlocksFitWithTimestampsFourWithout) {  // case 46
  TcpOptions o;
  o.n_sack = 4;
  for (std::uint32_t i = 0; i < 4; ++i) o.sack[i] = {SeqNum(i), SeqNum(i + 100)};
  EXPECT_EQ(written(o).size(), 36U);
  EXPECT_EQ(read(written(o), false).n_sack, 4);
  o.has_ts = true;
  EXPECT_EQ(written(o).size(), 40U);
  const auto back = read(written(o), false);
  ASSERT_EQ(back.n_sack, 3);
  EXPECT_EQ(back.sack[2], o.sack[2]);
  EXPECT_TRUE(back.has_ts);
  o.has_mss = true;
  EXPECT_EQ(written(o).size(), 36U) << "two beside MSS and timestamps";
}

TEST(TcpOptions, WhatIsWrittenReadsBackTheSame) {
  Rng rng(12);
  for (unsigned mask = 0; mask < 32; ++mask) {
    TcpOptions o;
    o.has_mss = (mask & 1U) != 0;
    o.has_wscale = (mask & 2U) != 0;
    o.sack_permitted = (mask & 4U) != 0;
    o.has_ts = (mask & 8U) != 0;
    const bool syn = (mask & 7U) != 0;
    o.n_sack = (mask & 16U) != 0 && !syn ? 2 : 0;
    o.mss = static_cast<std::uint16_t>(rng.next());
    o.wscale = static_cast<std::uint8_t>(rng.next());
    o.tsval = static_cast<std::uint32_t>(rng.next());
    o.tsecr = static_cast<std::uint32_t>(rng.next());
    const auto back = read(written(o), syn);
    EXPECT_EQ(back.has_mss, o.has_mss);
    EXPECT_EQ(back.has_wscale, o.has_wscale);
    EXPECT_EQ(back.sack_permitted, o.sack_permitted);
    EXPECT_EQ(back.has_ts, o.has_ts);
    EXPECT_EQ(back.n_sack, o.n_sack);
    if (o.has_mss) {
      EXPECT_EQ(back.mss, o.mss);
    }
    if (o.has_wscale) {
      EXPECT_EQ(back.wscale, o.wscale);
    }
    if (o.has_ts) {
      EXPECT_EQ(back.tsecr, o.tsecr);
    }
  }
}

}  // namespace
}  // namespace sluice::wire
