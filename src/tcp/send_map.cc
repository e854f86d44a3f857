// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/send_map.h"

namespace sluice::tcp {

namespace {

// Whether two neighbours may be told by one record. Of what was reported only that matters.
bool alike(const SendRecord& a, const SendRecord& b) noexcept {
  if (a.fate != b.fate) return false;
  if (a.fate == Fate::kSacked) return true;
  return a.sent_us == b.sent_us && a.resent == b.resent && a.was_sacked == b.was_sacked;
}

// `a` takes in its neighbour behind it, which is alike.
void take_in(SendRecord& a, const SendRecord& b) noexcept {
  if (before(a.sent_us, b.sent_us)) a.sent_us = b.sent_us;
  a.resent = a.resent || b.resent;
  a.end = b.end;
}

}  // namespace

// --- places ---

unsigned SendRecords::limit() const noexcept {
  const std::uint32_t flight = map_.n == 0 ? 0 : record(last()).end - una_;
  return std::clamp(flight / kBytesPerRecord, SendMore::kRecords, kMaxRecords);
}

SendRecords::Pos SendRecords::numbered(unsigned i) const noexcept {
  unsigned block = 0;
  for (; block + 1 < blocks() && i >= count(block); ++block) i -= count(block);
  return {block, i};
}

SendRecords::Pos SendRecords::locate(SeqNum seq) const noexcept {
  unsigned low = 0;
  unsigned high = blocks() - 1;  // in the last one, if not before
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (at(middle)[count(middle) - 1].end.after(seq)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const unsigned block = low;
  const SendRecord* records = at(block);
  low = 0;
  high = count(block);
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (records[middle].end.after(seq)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return {block, low};
}

// --- room ---

bool SendRecords::make_room(Pos& p, unsigned spare) noexcept {
  const unsigned n = count(p.block);
  if (map_.n_blocks == 0) {
    if (n == SendMap::kOwn) return add_block(p);
  } else {
    if (map_.n + spare >= limit()) return false;
    if (n + spare >= SendMore::kRecords) return shift_to_former(p) || add_block(p);
  }
  const unsigned room = map_.n_blocks == 0 ? SendMap::kOwn : SendMore::kRecords;
  if (p.block != 0 || map_.first + n < room) return true;
  SendRecord* records = at(0);
  std::copy(records, records + n, records - map_.first);
  map_.first = 0;
  return true;
}

// Records in front of `p` move into the block before, where that has room.
bool SendRecords::shift_to_former(Pos& p) noexcept {
  constexpr unsigned kWorthIt = 32;
  if (p.block == 0) return false;
  const unsigned former = p.block - 1;
  const unsigned used = count(former) + (former == 0 ? map_.first : 0U);
  const unsigned moved = std::min(SendMore::kRecords - used, p.i);
  if (moved < kWorthIt) return false;
  SendRecord* records = at(p.block);
  const unsigned n = count(p.block);
  if (moved == n) return false;
  std::copy(records, records + moved, at(former) + count(former));
  std::copy(records + moved, records + n, records);
  more(former).n += moved;
  more(p.block).n -= moved;
  summarise(former);
  summarise(p.block);
  p.i -= moved;
  return true;
}

// A block more, `p`'s being full; `p` is where the same place is then. Beyond its first a map gets one only while half
// of them are free.
bool SendRecords::add_block(Pos& p) noexcept {
  if (map_.n_blocks == SendMap::kMostBlocks) return false;
  if (map_.n_blocks != 0 && more_.used() >= more_.capacity() / 2) return false;
  const std::uint32_t index = more_.take();
  if (index == kNoIndex) return false;
  SendMore& fresh = more_[index];
  SendRecord* records = at(p.block);
  const unsigned n = count(p.block);
  if (map_.n_blocks == 0) {
    std::copy(records, records + n, fresh.records);
    map_.n_blocks = 1;
    map_.first = 0;
    map_.blocks[0] = static_cast<std::uint16_t>(index);
    return true;
  }
  // Holes come in order: what lies before the newest will hardly be split again, so the cut is there.
  const unsigned from = p.i == n ? n : std::max(p.i, n / 2);
  std::copy(records + from, records + n, fresh.records);
  std::copy_backward(map_.blocks + p.block + 1, map_.blocks + map_.n_blocks, map_.blocks + map_.n_blocks + 1);
  map_.blocks[p.block + 1] = static_cast<std::uint16_t>(index);
  ++map_.n_blocks;
  more(p.block).n = from;
  fresh.n = n - from;
  summarise(p.block);
  summarise(p.block + 1);
  if (p.i > from || from == n) p = {p.block + 1, p.i - from};
  return true;
}

bool SendRecords::insert(Pos p, const SendRecord& record, unsigned spare) noexcept {
  if (!make_room(p, spare)) return false;
  SendRecord* records = at(p.block);
  const unsigned n = count(p.block);
  std::copy_backward(records + p.i, records + n, records + n + 1);
  records[p.i] = record;
  ++map_.n;
  if (map_.n_blocks <= 1) return true;
  ++more(p.block).n;
  if (record.fate == Fate::kOut) note_out(p.block, record.sent_us);
  return true;
}

void SendRecords::drop_block(unsigned block) noexcept {
  more_.give(map_.blocks[block]);
  std::copy(map_.blocks + block + 1, map_.blocks + map_.n_blocks, map_.blocks + block);
  --map_.n_blocks;
  if (block == 0) map_.first = 0;
}

void SendRecords::erase(unsigned block, unsigned i, unsigned end) noexcept {
  SendRecord* records = at(block);
  const unsigned n = count(block);
  const unsigned left = n - (end - i);
  map_.n -= end - i;
  if (map_.n_blocks > 1) {
    more(block).n = left;
    if (left == 0) return drop_block(block);
  }
  if (block == 0 && i == 0) {
    map_.first = left == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(map_.first + end);
  } else {
    std::copy(records + end, records + n, records + i);
  }
}

bool SendRecords::split(SeqNum seq, unsigned spare) noexcept {
  const Pos p = locate(seq);
  if (!valid(p) || begin(p) == seq) return true;
  SendRecord front = record(p);
  front.end = seq;
  return insert(p, front, spare);
}

void SendRecords::join(SeqNum left, SeqNum right) noexcept {
  Pos p = locate(left);
  if (p.i != 0) {
    --p.i;
  } else if (p.block != 0) {
    p = {p.block - 1, count(p.block - 1) - 1};
  }
  while (valid(p)) {
    SendRecord* records = at(p.block);
    const unsigned n = count(p.block);
    unsigned to = p.i;
    unsigned from = p.i + 1;
    for (SeqNum edge = records[to].end; from < n && !edge.after(right); ++from) {
      edge = records[from].end;
      if (alike(records[to], records[from])) {
        take_in(records[to], records[from]);
      } else {
        records[++to] = records[from];
      }
    }
    const bool inside = from < n;
    if (from != to + 1) erase(p.block, to + 1, from);
    if (inside || p.block + 1 == blocks()) return;
    SendRecord& end = at(p.block)[to];
    const SendRecord following = *at(p.block + 1);
    if (end.end.after(right)) return;
    if (alike(end, following)) {
      take_in(end, following);
      erase(p.block + 1, 0, 1);
      p.i = to;
    } else {
      p = {p.block + 1, 0};
    }
  }
}

void SendRecords::clear() noexcept {
  for (unsigned i = 0; i < map_.n_blocks; ++i) more_.give(map_.blocks[i]);
  map_.n_blocks = map_.first = 0;
  map_.n = 0;
  map_.sacked = map_.lost = 0;
  map_.resent_buf = nullptr;
}

// --- sums ---

void SendRecords::count(Fate fate, std::uint32_t bytes, bool more) noexcept {
  if (fate == Fate::kOut) return;
  std::uint32_t& sum = fate == Fate::kSacked ? map_.sacked : map_.lost;
  sum = more ? sum + bytes : sum - bytes;
}

void SendRecords::lost_at(SeqNum begin, std::uint32_t bytes) noexcept {
  map_.lost_from = map_.lost == 0 ? begin : earlier(map_.lost_from, begin);
  map_.lost += bytes;
}

void SendRecords::note_out(unsigned block, std::uint32_t sent_us) noexcept {
  if (map_.n_blocks <= 1) return;
  SendMore& head = more(block);
  if (!head.out || before(sent_us, head.oldest_us)) head.oldest_us = sent_us;
  head.out = true;
}

void SendRecords::summarise(unsigned block) noexcept {
  more(block).out = false;
  const SendRecord* records = at(block);
  for (unsigned i = 0; i < count(block); ++i) {
    if (records[i].fate == Fate::kOut) note_out(block, records[i].sent_us);
  }
}

bool SendRecords::consistent() const noexcept {
  if (map_.n_blocks == 0) return map_.first + map_.n <= SendMap::kOwn;
  if (map_.n_blocks == 1) return map_.first + map_.n <= SendMore::kRecords;
  unsigned sum = 0;
  for (unsigned block = 0; block < map_.n_blocks; ++block) {
    const SendMore& head = more(block);
    sum += head.n;
    if (head.n == 0 || (block == 0 ? map_.first : 0U) + head.n > SendMore::kRecords) return false;
    for (unsigned i = 0; i < head.n; ++i) {
      const SendRecord& record = at(block)[i];
      if (record.fate != Fate::kOut) continue;
      if (!head.out || before(record.sent_us, head.oldest_us)) return false;
    }
  }
  return sum == map_.n;
}

// --- events ---

void SendRecords::append(SeqNum end, std::uint32_t now_us, std::uint32_t slot_us) noexcept {
  if (map_.n == 0) {
    insert({0, 0}, SendRecord{end, now_us}, 0);
    return;
  }
  const SendRecord& newest = record(last());
  if (newest.fate == Fate::kOut && !newest.resent && !newest.was_sacked && now_us - newest.sent_us <= slot_us) {
    record(last()).end = end;
    return;
  }
  if (insert({last().block, last().i + 1}, SendRecord{end, now_us}, kSpare)) return;
  // No room: the last record takes it in, and what it says holds for the newest of it. Its old bytes may be called
  // lost a little late, and tell nothing of the round trip; where they had been reported the new ones do not count as
  // delivered.
  const Pos p = last();
  if (record(p).fate != Fate::kOut) set_fate(p, Fate::kOut);
  record(p).sent_us = now_us;
  record(p).resent = true;
  record(p).end = end;
}

void SendRecords::set_fate(Pos p, Fate fate) noexcept {
  SendRecord& one = record(p);
  const SeqNum from = begin(p);
  const std::uint32_t bytes = one.end - from;
  count(one.fate, bytes, false);
  if (one.fate == Fate::kSacked && fate != Fate::kSacked) one.was_sacked = true;
  one.fate = fate;
  if (fate == Fate::kLost) {
    lost_at(from, bytes);
  } else {
    count(fate, bytes, true);
    if (fate == Fate::kOut) note_out(p.block, one.sent_us);
  }
}

void SendRecords::lose(SeqNum left, SeqNum right) noexcept {
  if (!split(left)) left = record(locate(left)).end;
  if (!split(right)) right = begin(locate(right));
  for (Pos p = locate(left); valid(p) && !record(p).end.after(right); p = next(p)) {
    if (record(p).fate == Fate::kOut) set_fate(p, Fate::kLost);
  }
  join(left, right);
}

bool SendRecords::resend_with_former(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept {
  const Pos p = locate(left);
  if (begin(p) != left || !record(p).end.after(right) || left == una_) return false;
  SendRecord& former = record(locate(left - 1));
  if (former.fate != Fate::kOut || !former.resent) return false;
  count(record(p).fate, right - left, false);
  former.was_sacked = former.was_sacked || record(p).was_sacked || record(p).fate == Fate::kSacked;
  former.end = right;
  former.sent_us = now_us;
  return true;
}

void SendRecords::resend(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept {
  // Without room for its edges the whole record counts as sent again; a timeout finds what was not.
  if (!split(left, 0)) left = begin(locate(left));
  const bool apart = split(right, 0) || !resend_with_former(left, right, now_us);
  if (apart) {
    if (!split(right, 0)) right = record(locate(right - 1)).end;
    for (Pos p = locate(left); valid(p) && !record(p).end.after(right); p = next(p)) {
      record(p).sent_us = now_us;
      record(p).resent = true;
      set_fate(p, Fate::kOut);
    }
  }
  if (!map_.lost_from.after(right) && !map_.lost_from.before(left)) map_.lost_from = right;
  if (apart) join(left, right);
}

SendRecords::Stretch SendRecords::first_lost() noexcept {
  if (map_.lost == 0) return {una_, una_};
  for (Pos p = locate(later(map_.lost_from, una_)); valid(p); p = next(p)) {
    if (record(p).fate != Fate::kLost) continue;
    const SeqNum left = begin(p);
    map_.lost_from = left;
    SeqNum right = record(p).end;
    for (p = next(p); valid(p) && record(p).fate == Fate::kLost; p = next(p)) right = record(p).end;
    return {left, right};
  }
  return {una_, una_};
}

bool SendRecords::awaits_resent(std::uint32_t since_us) const noexcept {
  for (unsigned block = 0; block < blocks(); ++block) {
    if (map_.n_blocks > 1 && !more(block).out) continue;
    const SendRecord* records = at(block);
    const bool awaits = std::any_of(records, records + count(block), [since_us](const SendRecord& one) {
      return one.fate == Fate::kOut && one.resent && !before(one.sent_us, since_us);
    });
    if (awaits) return true;
  }
  return false;
}

void SendRecords::forget_sacked() noexcept {
  for (Pos p{0, 0}; valid(p); p = next(p)) {
    if (record(p).fate == Fate::kSacked) set_fate(p, Fate::kOut);
  }
  map_.sacked_segments = 0;
}

void SendRecords::forgive() noexcept {
  if (map_.n == 0) return;
  for (Pos p{0, 0}; valid(p); p = next(p)) {
    if (record(p).fate == Fate::kLost) set_fate(p, Fate::kOut);
  }
  join(una_, record(last()).end);
}

}  // namespace sluice::tcp
