// SPDX-License-Identifier: BSD-3-Clause
// One TOML table being read: typed access that reports what is wrong instead of
// throwing, and remembers which keys were asked for so that every other is unknown.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/report.h"
#include "lib/rules.h"
#include "sluice/config.h"

namespace sluice::cli {

class Section {
 public:
  // `name` is how keys of this table are addressed: "tcp", "port.front".
  Section(const toml::table& table, std::string name, Report& report)
      : table_(table), name_(std::move(name)), report_(report) {}

  // Each reader leaves `out` alone and returns false when the key is absent or wrong; what
  // is wrong was reported.
  bool flag(std::string_view key, bool& out);
  template <typename T>
    requires std::is_unsigned_v<T>
  bool number(std::string_view key, T& out, std::uint64_t min, std::uint64_t max) {
    const std::optional<std::uint64_t> read = whole_number(key, min, max);
    if (read) out = static_cast<T>(*read);
    return read.has_value();
  }
  template <typename T>
  bool number(std::string_view key, T& out, limits::Range range) {
    return number(key, out, static_cast<std::uint64_t>(range.min), static_cast<std::uint64_t>(range.max));
  }
  // Not empty and at most `max` bytes.
  bool text(std::string_view key, std::string& out, std::size_t max = lib::kTextMax);
  template <typename E>
  bool choice(std::string_view key, E& out, std::initializer_list<std::pair<std::string_view, E>> choices) {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) names.emplace_back(name);
    const std::optional<std::size_t> index = one_of(key, names);
    if (index) out = (choices.begin() + *index)->second;
    return index.has_value();
  }
  std::optional<std::size_t> one_of(std::string_view key, const std::vector<std::string>& choices);
  // Calls `each` for every string of a list; "text" at key "addresses[1]". `example` is
  // what a right value looks like. False when absent or when one element was no string.
  using EachText = std::function<void(const std::string& text, const std::string& full_key, Place place)>;
  bool texts(std::string_view key, std::string_view example, const EachText& each);
  // The table under `key`; nullptr when absent or wrong.
  const toml::table* table(std::string_view key);

  // The node as it is, its key now known; nullptr when absent.
  const toml::node* find(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  [[nodiscard]] std::string full_key(std::string_view key) const;
  [[nodiscard]] Place place() const;
  [[nodiscard]] Place place(std::string_view key) const;
  // The string under `key` as typed with --set, even if it reads as a number.
  [[nodiscard]] std::optional<std::string> string_at(const toml::node& node) const;

  void wrong(std::string_view key, std::string_view what, std::string_view remedy);
  // Reports the fault of `value`, if it has one.
  void judge(std::string_view key, const lib::Judgement& fault, std::string_view value);
  void missing(std::string_view key, std::string_view remedy);
  void wrong_type(std::string_view key, const toml::node& node, std::string_view remedy);
  // Reports every key that nobody asked for.
  void finish();
  [[nodiscard]] Report& report() noexcept { return report_; }

 private:
  std::optional<std::uint64_t> whole_number(std::string_view key, std::uint64_t min, std::uint64_t max);

  const toml::table& table_;
  std::string name_;
  Report& report_;
  std::vector<std::string> known_;
};

}  // namespace sluice::cli
