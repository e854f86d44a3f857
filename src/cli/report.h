// SPDX-License-Identifier: BSD-3-Clause
// The defects found in a configuration, each told once with its place, key, value and
// remedy. One object a load; one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/rules.h"

namespace sluice::cli {

// Where a value was written: in the file, or in the N-th --set (from 1).
struct Place {
  unsigned set = 0;  // 0: in the file
  unsigned line = 0;
  unsigned column = 0;
  friend constexpr auto operator<=>(const Place&, const Place&) noexcept = default;
};

class Report {
 public:
  // `set_values` holds what follows the `=` of every --set, as typed.
  Report(std::string file, std::vector<std::string> set_values);

  // "what" reads like "out of range (99999)", "remedy" like "write a number from 1 to 9".
  void add(Place place, std::string_view key, std::string_view what, std::string_view remedy);

  // A fault of `value`, which is printable.
  void add(Place place, std::string_view key, const lib::Fault& fault, std::string_view value);

  // What the person typed after the `=` of --set number `set`.
  [[nodiscard]] const std::string& set_value(unsigned set) const { return set_values_.at(set - 1); }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] bool empty() const noexcept { return defects_.empty(); }

  // "a.toml:3:7" or "--set 2", as it stands before a message.
  [[nodiscard]] std::string where(Place place) const;

  // One line a defect, in the order of the file, then of the --set options.
  [[nodiscard]] std::vector<std::string> messages() const;

 private:
  struct Defect {
    Place place;
    std::string text;
  };
  std::string file_;
  std::vector<std::string> set_values_;
  std::vector<Defect> defects_;
};

using lib::printable;

// "did you mean mtu?" if one of `known` is near, else "known here: a, b, c".
[[nodiscard]] std::string nearest_remedy(std::string_view given, const std::vector<std::string>& known);

}  // namespace sluice::cli
