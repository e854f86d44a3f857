// SPDX-License-Identifier: BSD-3-Clause
// What is outstanding, in order: records of stretches that share a time of
// transmission and a fate. RACK (RFC 8985) asks when each byte left, the scoreboard
// (RFC 6675) what became of it, and a retransmission which stretch is next. ADR-0008
// says why it looks like this. A connection whose outstanding data left at one
// instant has none: SND.UNA, SND.NXT and Tcb::sent_us say it all.
#pragma once

#include <cstdint>

#include "base/seq_num.h"
#include "base/slab.h"

namespace sluice::tcp {

enum class Fate : std::uint8_t {
  kOut,     // in the network, as far as can be told
  kSacked,  // the peer reported it, but may still throw it away
  kLost,    // waits to be sent again
};

struct SendRecord {
  SeqNum end;                          // behind its last number; it begins where the one before ends, the first at SND.UNA
  std::uint32_t sent_us = 0;           // when it was sent last
  Fate fate = Fate::kOut;
  bool resent = false;                 // more than once: an acknowledgment does not say which (Karn)
  bool was_sacked = false;             // reported, and forgotten by a timeout (RFC 2018 8)
};
static_assert(sizeof(SendRecord) == 12);

// Room for a connection with many records at once: a long path, or many holes.
struct SendMore {
  SendRecord records[341];
};
static_assert(sizeof(SendMore) <= 4096);

// Records and the state of recovery, from a slab reserved at start. It exists while something is outstanding
// that one time and one fate do not describe.
struct SendMap {
  static constexpr unsigned kOwn = 12;
  static constexpr std::uint8_t kReoPersist = 16;

  std::uint32_t more = kNoIndex;       // SendMore that holds the records instead of `own`
  std::uint16_t first = 0;             // index of the first record
  std::uint16_t n = 0;                 // records
  std::uint32_t sacked = 0;            // bytes of each fate
  std::uint32_t lost = 0;
  SeqNum lost_from;                    // nothing before it is kLost: where a search begins
  SeqNum round;                        // the acknowledgment of this is the next measurement of the round trip
  SeqNum fack;                         // highest number acknowledged or reported
  // RACK (RFC 8985 5.2)
  std::uint32_t rack_sent_us = 0;      // RACK.xmit_ts, RACK.end_seq: what was sent last of what was delivered
  SeqNum rack_end;
  std::uint32_t rack_rtt_us = 0;
  std::uint32_t min_rtt_us = UINT32_MAX;
  SeqNum dsack_round;
  // recovery, by PRR (RFC 6937) or after a timeout
  SeqNum recover;                      // it ends when this is acknowledged
  std::uint32_t prr_delivered = 0, prr_out = 0, recover_fs = 0;
  std::uint32_t dup_bytes = 0;         // without SACK: what duplicate ACKs say has left the network
  // undo (RFC 3522, 5682, 2883)
  std::uint32_t prior_cwnd = 0, prior_ssthresh = 0;
  SeqNum undo_from;                    // SND.UNA when recovery began
  SeqNum undo_until;                   // when this is acknowledged undo is past
  std::uint32_t undo_bytes = 0;        // sent again since and not reported as duplicates
  std::uint32_t undo_tsval = 0;        // timestamp of the first retransmission
  SeqNum tlp_end;                      // RFC 8985 7: the probe ends here
  std::uint16_t flags = 0;             // MapFlag
  std::uint8_t sacked_segments = 0;    // about so many, saturating
  std::uint8_t reo_persist = kReoPersist;       // RACK.reo_wnd_persist: recoveries without D-SACK until reo_mult is forgotten
  SendRecord own[kOwn];
};
static_assert(sizeof(SendMap) <= 256);

enum MapFlag : std::uint16_t {
  kRackValid = 1,      // rack_sent_us, rack_end, rack_rtt_us mean something
  kUndoable = 2,       // prior_cwnd and the rest of undo mean something
  kUndoStamped = 4,    // undo_tsval too
  kProbing = 8,        // a tail loss probe awaits its acknowledgment (TLP.end_seq is set)
  kProbeResent = 16,   // and it was a retransmission (TLP.is_retrans)
  kDsackRound = 32,    // the reordering window was widened in this round trip
  kFrtoFirst = 64,     // F-RTO awaits the first acknowledgment after the timeout
  kFrtoSecond = 128,   // and then the one of new data
  kRecovered = 256,    // `recover` is where a recovery ended
};

// A map opened for work. Sequence numbers are modular; `una` is SND.UNA. Nothing is allocated but a
// SendMore when `own` is full; when there is none, or it is full too, less is remembered: what inserts says so.
// Every operation takes time proportional to kMaxRecords at most, whatever the peer says.
class SendRecords {
 public:
  static constexpr unsigned kMaxRecords = sizeof(SendMore::records) / sizeof(SendRecord);

  SendRecords(SendMap& map, SeqNum una, Slab<SendMore>& more) noexcept : map_(map), more_(more), una_(una) { rebase(); }

  [[nodiscard]] unsigned size() const noexcept { return map_.n; }
  [[nodiscard]] const SendRecord& operator[](unsigned i) const noexcept { return at_[i]; }
  [[nodiscard]] SeqNum begin(unsigned i) const noexcept { return i == 0 ? una_ : at_[i - 1].end; }
  [[nodiscard]] std::uint32_t bytes(unsigned i) const noexcept { return at_[i].end - begin(i); }
  // The record that holds `seq`; size() when it lies behind the last.
  [[nodiscard]] unsigned find(SeqNum seq) const noexcept;

  // [end of the last record, end) was sent at `now_us`. Joins the last record when that left at most `slot_us`
  // ago, and when there is no room.
  void append(SeqNum end, std::uint32_t now_us, std::uint32_t slot_us) noexcept;
  // SND.UNA is `una` now. `gone(record, begin, end)` hears of each stretch that this acknowledges.
  template <typename Gone>
  void advance(SeqNum una, Gone&& gone) noexcept;
  // [left, right), which lies in the map, was reported. `news(record, begin, end)` hears of each stretch that was
  // not known to be. Returns its bytes.
  template <typename News>
  std::uint32_t sack(SeqNum left, SeqNum right, News&& news) noexcept;
  // The record counts as lost, or not any more.
  void set_fate(unsigned i, Fate fate) noexcept;
  // [left, right), where it is out, is lost; with a map that is full perhaps less.
  void lose(SeqNum left, SeqNum right) noexcept;
  // [left, right) was sent again at `now_us`.
  void resend(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept;
  // First lost stretch; empty when there is none.
  struct Stretch {
    SeqNum left, right;
  };
  [[nodiscard]] Stretch first_lost() noexcept;
  // Nothing is known to have been reported any more; what was is out again, and remembered as was_sacked.
  void forget_sacked() noexcept;
  // Nothing is lost after all.
  void forgive() noexcept;
  // Joins neighbours that do not differ.
  void join(unsigned first, unsigned last) noexcept;
  // Gives back what it took beyond the map itself.
  void clear() noexcept;

 private:
  void rebase() noexcept { at_ = (map_.more == kNoIndex ? map_.own : more_[map_.more].records) + map_.first; }
  [[nodiscard]] unsigned capacity() const noexcept { return map_.more == kNoIndex ? SendMap::kOwn : kMaxRecords; }
  bool make_room() noexcept;
  bool insert(unsigned i, const SendRecord& record) noexcept;
  void drop_front(unsigned count) noexcept;
  // Makes a record end at `seq`, which lies within the map or at its end. False: no room.
  bool split(SeqNum seq) noexcept;
  void count(Fate fate, std::uint32_t bytes, bool more) noexcept;

  SendMap& map_;
  Slab<SendMore>& more_;
  SendRecord* at_ = nullptr;
  SeqNum una_;
};

template <typename Gone>
void SendRecords::advance(SeqNum una, Gone&& gone) noexcept {
  unsigned whole = 0;
  while (whole < size() && !at_[whole].end.after(una)) {
    gone(at_[whole], begin(whole), at_[whole].end);
    count(at_[whole].fate, bytes(whole), false);
    ++whole;
  }
  if (whole < size() && begin(whole).before(una)) {
    gone(at_[whole], begin(whole), una);
    count(at_[whole].fate, una - begin(whole), false);
  }
  drop_front(whole);
  una_ = una;
  // A peer that acknowledges less than it has reported threw it away.
  if (size() != 0 && at_[0].fate == Fate::kSacked) set_fate(0, Fate::kOut);
}

template <typename News>
std::uint32_t SendRecords::sack(SeqNum left, SeqNum right, News&& news) noexcept {
  unsigned i = find(left);
  if (at_[i].fate == Fate::kSacked || !split(left)) left = at_[i].end;
  if (!left.before(right)) return 0;
  unsigned last = find(right - 1);
  if (at_[last].fate != Fate::kSacked && !split(right)) right = begin(last);
  std::uint32_t bytes_new = 0;
  const unsigned first = find(left);
  for (i = first; i < size() && !at_[i].end.after(right); ++i) {
    if (at_[i].fate == Fate::kSacked) continue;
    news(at_[i], begin(i), at_[i].end);
    bytes_new += bytes(i);
    set_fate(i, Fate::kSacked);
  }
  join(first == 0 ? 0 : first - 1, i + 1);
  return bytes_new;
}

}  // namespace sluice::tcp
