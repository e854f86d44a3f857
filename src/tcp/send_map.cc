// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/send_map.h"

#include <algorithm>

#include "base/modular.h"

namespace sluice::tcp {

namespace {

// Whether two neighbours may be told by one record. Of what was reported only that matters.
bool alike(const SendRecord& a, const SendRecord& b) noexcept {
  if (a.fate != b.fate) return false;
  if (a.fate == Fate::kSacked) return true;
  return a.sent_us == b.sent_us && a.resent == b.resent && a.was_sacked == b.was_sacked;
}

}  // namespace

unsigned SendRecords::find(SeqNum seq) const noexcept {
  unsigned low = 0;
  unsigned high = size();
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (at_[middle].end.after(seq)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void SendRecords::count(Fate fate, std::uint32_t bytes, bool more) noexcept {
  if (fate == Fate::kOut) return;
  std::uint32_t& sum = fate == Fate::kSacked ? map_.sacked : map_.lost;
  sum = more ? sum + bytes : sum - bytes;
}

void SendRecords::drop_front(unsigned count) noexcept {
  map_.n = static_cast<std::uint16_t>(map_.n - count);
  map_.first = map_.n == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(map_.first + count);
  rebase();
}

// One more record behind the last: by moving to the front of the room, or into a larger one.
bool SendRecords::make_room() noexcept {
  if (map_.first + map_.n < static_cast<int>(capacity())) return true;
  if (map_.first != 0) {
    SendRecord* base = at_ - map_.first;
    std::copy(at_, at_ + size(), base);
    map_.first = 0;
    rebase();
    return true;
  }
  if (map_.more != kNoIndex) return false;
  const std::uint32_t index = more_.take();
  if (index == kNoIndex) return false;
  std::copy(at_, at_ + size(), more_[index].records);
  map_.more = index;
  rebase();
  return true;
}

bool SendRecords::insert(unsigned i, const SendRecord& record) noexcept {
  if (!make_room()) return false;
  std::copy_backward(at_ + i, at_ + size(), at_ + size() + 1);
  at_[i] = record;
  ++map_.n;
  return true;
}

bool SendRecords::split(SeqNum seq) noexcept {
  const unsigned i = find(seq);
  if (i == size() || begin(i) == seq) return true;
  SendRecord front = at_[i];
  front.end = seq;
  return insert(i, front);
}

void SendRecords::append(SeqNum end, std::uint32_t now_us, std::uint32_t slot_us) noexcept {
  if (size() != 0) {
    SendRecord& last = at_[size() - 1];
    if (last.fate == Fate::kOut && !last.resent && !last.was_sacked && now_us - last.sent_us <= slot_us) {
      last.end = end;
      return;
    }
  }
  if (insert(size(), SendRecord{end, now_us})) return;
  // No room: the last record takes it in, and what it says holds for the newest of it. Its old bytes may be called
  // lost a little late, and tell nothing of the round trip.
  SendRecord& last = at_[size() - 1];
  if (last.fate != Fate::kOut) set_fate(size() - 1, Fate::kOut);
  last.sent_us = now_us;
  last.resent = true;
  last.end = end;
}

void SendRecords::set_fate(unsigned i, Fate fate) noexcept {
  SendRecord& record = at_[i];
  if (fate == Fate::kLost && record.fate != Fate::kLost) {
    map_.lost_from = map_.lost == 0 ? begin(i) : earlier(map_.lost_from, begin(i));
  }
  count(record.fate, bytes(i), false);
  count(fate, bytes(i), true);
  record.fate = fate;
}

void SendRecords::lose(SeqNum left, SeqNum right) noexcept {
  if (!split(left)) left = at_[find(left)].end;
  if (!split(right)) right = begin(find(right));
  const unsigned first = find(left);
  unsigned i = first;
  for (; i < size() && !at_[i].end.after(right); ++i) {
    if (at_[i].fate == Fate::kOut) set_fate(i, Fate::kLost);
  }
  join(first == 0 ? 0 : first - 1, i + 1);
}

void SendRecords::resend(SeqNum left, SeqNum right, std::uint32_t now_us) noexcept {
  // Without room for its edges the whole record counts as sent again; a timeout finds what was not.
  if (!split(left)) left = begin(find(left));
  if (!split(right)) right = at_[find(right - 1)].end;
  const unsigned first = find(left);
  unsigned i = first;
  for (; i < size() && !at_[i].end.after(right); ++i) {
    set_fate(i, Fate::kOut);
    at_[i].sent_us = now_us;
    at_[i].resent = true;
  }
  if (!map_.lost_from.after(right) && !map_.lost_from.before(left)) map_.lost_from = right;
  join(first == 0 ? 0 : first - 1, i + 1);
}

SendRecords::Stretch SendRecords::first_lost() noexcept {
  if (map_.lost == 0) return {una_, una_};
  for (unsigned i = find(later(map_.lost_from, una_)); i < size(); ++i) {
    if (at_[i].fate != Fate::kLost) continue;
    const SeqNum left = begin(i);
    map_.lost_from = left;
    SeqNum right = at_[i].end;
    while (i + 1 < size() && at_[i + 1].fate == Fate::kLost) right = at_[++i].end;
    return {left, right};
  }
  return {una_, una_};
}

void SendRecords::forget_sacked() noexcept {
  for (unsigned i = 0; i < size(); ++i) {
    if (at_[i].fate != Fate::kSacked) continue;
    set_fate(i, Fate::kOut);
    at_[i].was_sacked = true;
  }
  map_.sacked_segments = 0;
}

void SendRecords::forgive() noexcept {
  for (unsigned i = 0; i < size(); ++i) {
    if (at_[i].fate == Fate::kLost) set_fate(i, Fate::kOut);
  }
  join(0, size());
}

void SendRecords::join(unsigned first, unsigned last) noexcept {
  last = std::min(last, size());
  if (first >= last) return;
  unsigned to = first;
  for (unsigned from = first + 1; from < last; ++from) {
    if (alike(at_[to], at_[from])) {
      if (before(at_[to].sent_us, at_[from].sent_us)) at_[to].sent_us = at_[from].sent_us;
      at_[to].resent = at_[to].resent || at_[from].resent;
      at_[to].end = at_[from].end;
    } else {
      at_[++to] = at_[from];
    }
  }
  const unsigned gone = last - to - 1;
  if (gone == 0) return;
  std::copy(at_ + last, at_ + size(), at_ + to + 1);
  map_.n = static_cast<std::uint16_t>(map_.n - gone);
}

void SendRecords::clear() noexcept {
  if (map_.more != kNoIndex) more_.give(map_.more);
  map_.more = kNoIndex;
  map_.first = map_.n = 0;
  map_.sacked = map_.lost = 0;
  rebase();
}

}  // namespace sluice::tcp
