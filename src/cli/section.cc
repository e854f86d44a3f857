// SPDX-License-Identifier: BSD-3-Clause
#include "cli/section.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/config_tree.h"

namespace sluice::cli {

const toml::node* Section::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return table_.get(key);
}

std::string Section::full_key(std::string_view key) const {
  return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

Place Section::place() const {
  const Place place = place_of(table_);
  return place.set == 0 && place.line == 0 ? Place{0, 1, 1} : place;
}

Place Section::place(std::string_view key) const {
  const toml::node* node = table_.get(key);
  return node == nullptr ? place() : place_of(*node);
}

void Section::wrong(std::string_view key, std::string_view what, std::string_view remedy) {
  report_.add(place(key), full_key(key), what, remedy);
}

void Section::judge(std::string_view key, const lib::Judgement& fault, std::string_view value) {
  if (fault) report_.add(place(key), full_key(key), *fault, lib::quoted_if_empty(value));
}

void Section::missing(std::string_view key, std::string_view remedy) {
  report_.add(place(), full_key(key), "missing", remedy);
}

void Section::wrong_type(std::string_view key, const toml::node& node, std::string_view remedy) {
  report_.add(place_of(node), full_key(key), fmt::format("wrong type ({})", shown(node)), remedy);
}

std::optional<std::string> Section::string_at(const toml::node& node) const {
  if (const auto* text = node.as_string()) return text->get();
  const Place place = place_of(node);
  if (place.set == 0 || !node.is_value()) return std::nullopt;
  const std::string& raw = report_.set_value(place.set);
  // A scalar inside a list or table is not what was typed as a whole.
  if (raw.empty() || raw.front() == '[' || raw.front() == '{') return std::nullopt;
  return raw;
}

bool Section::flag(std::string_view key, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const auto* value = node->as_boolean();
  if (value == nullptr) {
    wrong_type(key, *node, "write true or false");
    return false;
  }
  out = value->get();
  return true;
}

std::optional<std::uint64_t> Section::whole_number(std::string_view key, std::uint64_t min, std::uint64_t max) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const std::string remedy = fmt::format("write a whole number from {} to {}", min, max);
  const auto* value = node->as_integer();
  if (value == nullptr) {
    wrong_type(key, *node, remedy);
    return std::nullopt;
  }
  const std::int64_t number = value->get();
  if (number < 0 || static_cast<std::uint64_t>(number) < min || static_cast<std::uint64_t>(number) > max) {
    wrong(key, fmt::format("out of range ({})", number), remedy);
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(number);
}

bool Section::text(std::string_view key, std::string& out, std::size_t max) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const std::optional<std::string> value = string_at(*node);
  if (!value) {
    wrong_type(key, *node, "write a string in quotes");
    return false;
  }
  if (const lib::Judgement fault = lib::judge_text(*value, max)) {
    judge(key, fault, *value);
    return false;
  }
  out = *value;
  return true;
}

std::optional<std::size_t> Section::one_of(std::string_view key, const std::vector<std::string>& choices) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const std::string remedy = fmt::format("write {}\"{}\"", choices.size() > 1 ? "one of " : "",
                                         fmt::join(choices, "\", \""));
  const std::optional<std::string> value = string_at(*node);
  if (!value) {
    wrong_type(key, *node, remedy);
    return std::nullopt;
  }
  const auto found = std::find(choices.begin(), choices.end(), *value);
  if (found == choices.end()) {
    wrong(key, fmt::format("unknown value ({})", printable(*value)), remedy);
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - choices.begin());
}

bool Section::texts(std::string_view key, std::string_view example, const EachText& each) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const std::string remedy = fmt::format("write a list of strings, like {}", example);
  const auto* list = node->as_array();
  if (list == nullptr) {
    // --set port.front.addresses=A,B needs no brackets.
    const std::optional<std::string> typed = place_of(*node).set != 0 ? string_at(*node) : std::nullopt;
    if (!typed) {
      wrong_type(key, *node, remedy);
      return false;
    }
    std::size_t index = 0;
    for (std::size_t from = 0; from <= typed->size(); ++index) {
      const std::size_t comma = std::min(typed->find(',', from), typed->size());
      each(typed->substr(from, comma - from), fmt::format("{}[{}]", full_key(key), index), place_of(*node));
      from = comma + 1;
    }
    return true;
  }
  bool good = true;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const toml::node& element = (*list)[i];
    const std::string element_key = fmt::format("{}[{}]", key, i);
    if (const auto* text = element.as_string()) {
      each(text->get(), full_key(element_key), place_of(element));
    } else {
      wrong_type(element_key, element, remedy);
      good = false;
    }
  }
  return good;
}

const toml::table* Section::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) {
    wrong_type(key, *node, fmt::format("write a table, [{0}] or {0} = {{ ... }}", full_key(key)));
    return nullptr;
  }
  return node->as_table();
}

void Section::finish() {
  for (const auto& [key, node] : table_) {
    const std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    Place place = place_of(node);
    // Inside the file an unknown key is shown where the key stands, not its value.
    if (place.set == 0) place = {0, key.source().begin.line, key.source().begin.column};
    report_.add(place, full_key(printable(name)), fmt::format("unknown key ({})", shown(node)),
                nearest_remedy(name, known_));
  }
}

}  // namespace sluice::cli
