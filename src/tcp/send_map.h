// SPDX-License-Identifier: BSD-3-Clause
// What is outstanding, in order: records of stretches that share a time of
// transmission and a fate. RACK (RFC 8985) asks when each byte left, the scoreboard
// (RFC 6675) what became of it, and a retransmission which stretch is next. ADR-0008
// says why it looks like this. A connection whose outstanding data left at one
// instant has none: SND.UNA, SND.NXT and Tcb::sent_us say it all.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/buf.h"
#include "base/modular.h"
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
  bool was_sacked = false;             // reported, and forgotten since (RFC 2018 8): it counts as delivered once
};
static_assert(sizeof(SendRecord) == 12);

// Room for a connection with many records at once: a long path, or many holes. A map of thousands of holes has several.
struct SendMore {
  static constexpr unsigned kRecords = 340;
  // Kept while the map has more than one block:
  std::uint32_t n = 0;                 // records
  std::uint32_t oldest_us = 0;         // with `out`: none that is out was sent before this
  bool out = false;                    // some may be out
  SendRecord records[kRecords];
};
static_assert(sizeof(SendMore) <= 4096);
inline constexpr std::uint32_t kMostSendMores = 65'535;  // an index of 16 bits names them

// Records and the state of recovery, from a slab reserved at start. It exists while something is outstanding
// that one time and one fate do not describe.
struct SendMap {
  static constexpr unsigned kOwn = 12;
  static constexpr unsigned kMostBlocks = 72;
  static constexpr std::uint8_t kReoPersist = 16;

  SendMap() noexcept : own{} {}

  std::uint16_t n_blocks = 0;          // SendMores that hold the records instead of `own`
  std::uint16_t first = 0;             // index of the first record, in the first of them
  std::uint32_t n = 0;                 // records
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
  std::uint32_t undo_us = 0;           // when the first retransmission left
  SeqNum tlp_end;                      // RFC 8985 7: the probe ends here
  std::uint16_t flags = 0;             // MapFlag
  std::uint8_t sacked_segments = 0;    // about so many, saturating
  std::uint8_t reo_persist = kReoPersist;       // RACK.reo_wnd_persist: recoveries without D-SACK until reo_mult is forgotten
  SeqNum resent_seq;
  Buf* resent_buf = nullptr;           // holds resent_seq, which was sent again lately: where the search for the next begins
  union {
    SendRecord own[kOwn];
    std::uint16_t blocks[kMostBlocks]; // indices of SendMores, in order
  };
};
static_assert(sizeof(SendMap) <= 256);

enum MapFlag : std::uint16_t {
  kRackValid = 1,      // rack_sent_us, rack_end, rack_rtt_us mean something
  kUndoable = 2,       // prior_cwnd and the rest of undo mean something
  kUndoStamped = 4,    // undo_us too
  kProbing = 8,        // a tail loss probe awaits its acknowledgment (TLP.end_seq is set)
  kProbeResent = 16,   // and it was a retransmission (TLP.is_retrans)
  kDsackRound = 32,    // the reordering window was widened in this round trip
  kFrtoFirst = 64,     // F-RTO awaits the first acknowledgment after the timeout
  kFrtoSecond = 128,   // and then the one of new data
  kRecovered = 256,    // `recover` is where a recovery ended
  kOriginalCame = 512, // with kUndoStamped: an acknowledgment showed that something was sent again needlessly
  kCalledFor = 1024,   // or that something was not: timestamps undo nothing any more
  kReneged = 2048,     // the peer acknowledged less than it had reported: it throws away, or plays with us
};

// A map opened for work. Sequence numbers are modular; `una` is SND.UNA. Nothing is allocated but
// SendMores when `own` is full; when there is none, or the bound is reached, less is remembered: what inserts says so.
// Every operation moves the records of a block or two at most, and walks over no more than limit() of them, whatever
// the peer says.
class SendRecords {
 public:
  static constexpr unsigned kMaxRecords = SendMap::kMostBlocks * SendMore::kRecords;
  // Beyond one block's worth: outstanding bytes for each record. Small segments make no more of them.
  static constexpr std::uint32_t kBytesPerRecord = 1024;

  SendRecords(SendMap& map, SeqNum una, Slab<SendMore>& more) noexcept : map_(map), more_(more), una_(una) {}

  [[nodiscard]] unsigned size() const noexcept { return map_.n; }
  // By number, from the front: in time proportional to the blocks.
  [[nodiscard]] const SendRecord& operator[](unsigned i) const noexcept { return record(numbered(i)); }
  [[nodiscard]] SeqNum begin(unsigned i) const noexcept { return begin(numbered(i)); }
  [[nodiscard]] std::uint32_t bytes(unsigned i) const noexcept { return (*this)[i].end - begin(i); }
  // The record that holds `seq`, which lies in the map.
  [[nodiscard]] const SendRecord& holding(SeqNum seq) const noexcept { return record(locate(seq)); }
  // Records that there may be while so much is outstanding.
  [[nodiscard]] unsigned limit() const noexcept;

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
  // [left, right), where it is out, is lost; with a map that is full perhaps less.
  void lose(SeqNum left, SeqNum right) noexcept;
  // What is out is lost where `lost(record, begin)` says so. It hears of all that was sent at `latest_us` or before, and
  // of more; with `whole` of everything, though it left so long ago that the clock has come half round.
  template <typename Lost>
  void lose_where(std::uint32_t latest_us, bool whole, Lost&& lost) noexcept;
  // [left, right) was sent again at `now_us`.
  void resend(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept;
  // First lost stretch; empty when there is none.
  struct Stretch {
    SeqNum left, right;
  };
  [[nodiscard]] Stretch first_lost() noexcept;
  // Something that was sent again at `since_us` or later is in the network, as far as is known (Linux's retrans_out).
  [[nodiscard]] bool awaits_resent(std::uint32_t since_us) const noexcept;
  // Nothing is known to have been reported any more; what was is out again, and remembered as was_sacked.
  void forget_sacked() noexcept;
  // Nothing is lost after all.
  void forgive() noexcept;
  // Gives back what it took beyond the map itself.
  void clear() noexcept;
  // Every number of what is kept beside the records is right.
  [[nodiscard]] bool consistent() const noexcept;

 private:
  struct Pos {
    unsigned block, i;
  };
  // Records of a block that others than resend() leave free: what goes again must be told from what does not.
  static constexpr unsigned kSpare = 2;

  // `own` counts as a block.
  [[nodiscard]] unsigned blocks() const noexcept { return map_.n_blocks == 0 ? 1 : map_.n_blocks; }
  [[nodiscard]] SendMore& more(unsigned block) const noexcept { return more_[map_.blocks[block]]; }
  [[nodiscard]] SendRecord* at(unsigned block) const noexcept {
    SendRecord* room = map_.n_blocks == 0 ? map_.own : more(block).records;
    return block == 0 ? room + map_.first : room;
  }
  [[nodiscard]] unsigned count(unsigned block) const noexcept { return map_.n_blocks <= 1 ? map_.n : more(block).n; }
  [[nodiscard]] SendRecord& record(Pos p) const noexcept { return at(p.block)[p.i]; }
  [[nodiscard]] SeqNum begin(Pos p) const noexcept {
    if (p.i != 0) return at(p.block)[p.i - 1].end;
    return p.block == 0 ? una_ : at(p.block - 1)[count(p.block - 1) - 1].end;
  }
  [[nodiscard]] bool valid(Pos p) const noexcept { return p.i < count(p.block); }
  [[nodiscard]] Pos next(Pos p) const noexcept {
    ++p.i;
    return p.i < count(p.block) || p.block + 1 == blocks() ? p : Pos{p.block + 1, 0};
  }
  [[nodiscard]] Pos numbered(unsigned i) const noexcept;
  [[nodiscard]] Pos last() const noexcept { return {blocks() - 1, count(blocks() - 1) - 1}; }
  // The record that holds `seq`; behind the last record when that is behind it.
  [[nodiscard]] Pos locate(SeqNum seq) const noexcept;
  bool make_room(Pos& p, unsigned spare) noexcept;
  bool shift_to_former(Pos& p) noexcept;
  bool add_block(Pos& p) noexcept;
  bool insert(Pos p, const SendRecord& record, unsigned spare) noexcept;
  void erase(unsigned block, unsigned i, unsigned end) noexcept;
  void drop_block(unsigned block) noexcept;
  // Makes a record end at `seq`, which lies within the map or at its end. False: no room.
  bool split(SeqNum seq, unsigned spare = kSpare) noexcept;
  // Without room: the stretch joins what was sent again before it.
  bool resend_with_former(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept;
  void set_fate(Pos p, Fate fate) noexcept;
  void lost_at(SeqNum begin, std::uint32_t bytes) noexcept;
  void count(Fate fate, std::uint32_t bytes, bool more) noexcept;
  void note_out(unsigned block, std::uint32_t sent_us) noexcept;
  void summarise(unsigned block) noexcept;
  // Joins neighbours that do not differ, from the one before `left` to the one behind `right`.
  void join(SeqNum left, SeqNum right) noexcept;

  SendMap& map_;
  Slab<SendMore>& more_;
  SeqNum una_;
};

template <typename Gone>
void SendRecords::advance(SeqNum una, Gone&& gone) noexcept {
  for (bool more_follows = true; more_follows && map_.n != 0;) {
    const SendRecord* first = at(0);
    const unsigned n = count(0);
    unsigned whole = 0;
    for (; whole < n && !first[whole].end.after(una); ++whole) {
      gone(first[whole], una_, first[whole].end);
      count(first[whole].fate, first[whole].end - una_, false);
      una_ = first[whole].end;
    }
    if (whole < n && una_.before(una)) {
      gone(first[whole], una_, una);
      count(first[whole].fate, una - una_, false);
    }
    more_follows = whole == n;
    if (whole != 0) erase(0, 0, whole);
  }
  una_ = una;
  // A peer that acknowledges less than it has reported threw it away.
  if (map_.n != 0 && at(0)->fate == Fate::kSacked) {
    set_fate({0, 0}, Fate::kOut);
    map_.flags |= kReneged;
  }
}

template <typename News>
std::uint32_t SendRecords::sack(SeqNum left, SeqNum right, News&& news) noexcept {
  Pos p = locate(left);
  const SeqNum end = record(p).end;
  if (record(p).fate == Fate::kSacked || !split(left)) left = end;
  if (!left.before(right)) return 0;
  p = locate(right - 1);
  const SeqNum begin_last = begin(p);
  if (record(p).fate != Fate::kSacked && !split(right)) right = begin_last;
  std::uint32_t bytes_new = 0;
  for (p = locate(left); valid(p) && !record(p).end.after(right); p = next(p)) {
    if (record(p).fate == Fate::kSacked) continue;
    const SeqNum from = begin(p);
    news(record(p), from, record(p).end);
    bytes_new += record(p).end - from;
    set_fate(p, Fate::kSacked);
  }
  join(left, right);
  return bytes_new;
}

template <typename Lost>
void SendRecords::lose_where(std::uint32_t latest_us, bool whole, Lost&& lost) noexcept {
  SeqNum from = una_;
  for (unsigned block = 0; block < blocks() && map_.n != 0; ++block) {
    SendRecord* records = at(block);
    const unsigned n = count(block);
    SendMore* head = map_.n_blocks > 1 ? &more(block) : nullptr;
    if (head != nullptr && (!head->out || (!whole && before(latest_us, head->oldest_us)))) {
      from = records[n - 1].end;
      continue;
    }
    bool out = false;
    std::uint32_t oldest_us = 0;
    for (unsigned i = 0; i < n; from = records[i++].end) {
      if (records[i].fate != Fate::kOut) continue;
      if (lost(records[i], from)) {
        lost_at(from, records[i].end - from);
        records[i].fate = Fate::kLost;
      } else if (!out || before(records[i].sent_us, oldest_us)) {
        out = true;
        oldest_us = records[i].sent_us;
      }
    }
    if (head != nullptr) {
      head->out = out;
      head->oldest_us = oldest_us;
    }
  }
}

}  // namespace sluice::tcp
