// SPDX-License-Identifier: BSD-3-Clause
#include "app/http_date.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace sluice::app {

std::size_t write_http_date(std::int64_t unix_s, std::array<char, 40>& out) noexcept {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  namespace chrono = std::chrono;
  const chrono::sys_seconds time{chrono::seconds{unix_s}};
  const chrono::sys_days day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{time - day};
  const int length = std::snprintf(out.data(), out.size(), "Date: %s, %02u %s %04d %02d:%02d:%02d GMT\r\n",
                                   kDays[chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                                   kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                                   static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                                   static_cast<int>(clock.seconds().count()));
  return std::min(static_cast<std::size_t>(length), out.size() - 1);
}

void HttpDate::read_clock(Instant now) {
  constexpr std::int64_t kNsPerS = 1'000'000'000;
  const std::int64_t wall = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                std::chrono::system_clock::now().time_since_epoch()).count();
  until_ = now + Duration::nanoseconds(kNsPerS - wall % kNsPerS);
  size_ = write_http_date(wall / kNsPerS, text_);
  ++version_;
}

}  // namespace sluice::app
