// SPDX-License-Identifier: BSD-3-Clause
// Texts: names, cores, devices, MAC addresses.
#include "lib/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::lib {

namespace {

constexpr unsigned kMaxLcore = 127;  // DPDK as Debian builds it: RTE_MAX_LCORE 128
constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

bool of_name_bytes(std::string_view text, limits::Range length, std::string_view also = {}) noexcept {
  return length.contains(static_cast<std::int64_t>(text.size())) && std::all_of(text.begin(), text.end(), [also](char c) {
           return kNameBytes.find(c) != std::string_view::npos || also.find(c) != std::string_view::npos;
         });
}

bool is_hex(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// "0000:00:03.0" or "00:03.0", perhaps with ",devargs".
bool is_pci_address(std::string_view device) noexcept {
  std::string_view address = device_name(device);
  if (address.size() == 12 && is_hex(address.substr(0, 4)) && address[4] == ':') address.remove_prefix(5);
  return address.size() == 7 && is_hex(address.substr(0, 2)) && address[2] == ':' && is_hex(address.substr(3, 2)) &&
         address[5] == '.' && address[6] >= '0' && address[6] <= '7';
}

bool read_lcore(std::string_view text, unsigned& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= kMaxLcore;
}

bool is_lcore_list(std::string_view list) noexcept {
  if (list.find('(') != std::string_view::npos) {
    return list.find_first_not_of("0123456789,-@()") == std::string_view::npos;
  }
  for (;;) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    if (const std::size_t at = item.find('@'); at != std::string_view::npos) {
      unsigned cpu = 0;
      if (!read_lcore(item.substr(at + 1), cpu)) return false;
      item = item.substr(0, at);
    }
    const std::size_t dash = item.find('-');
    unsigned first = 0;
    if (!read_lcore(item.substr(0, dash), first)) return false;
    if (unsigned last = first; dash != std::string_view::npos) {
      if (!read_lcore(item.substr(dash + 1), last) || last < first) return false;
    }
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

std::optional<std::array<std::uint8_t, 6>> parse_mac(std::string_view text) noexcept {
  std::array<std::uint8_t, 6> bytes{};
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string_view digits = text.substr(3 * i, 2);
    if (!is_hex(digits) || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
    std::from_chars(digits.data(), digits.data() + digits.size(), bytes.at(i), 16);
  }
  return bytes;
}

}  // namespace

std::string printable(std::string_view text, std::size_t max) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
    if (out.size() >= max) return out + "...";
  }
  return out;
}

std::string quoted_if_empty(std::string_view text) { return text.empty() ? "\"\"" : printable(text); }

Judgement judge_text(std::string_view text, std::size_t max) {
  if (text.empty()) return Fault{"empty", "write a string that is not empty, or remove the key"};
  if (text.find('\0') != std::string_view::npos) return Fault{"holds a zero byte", "remove it"};
  if (text.size() > max) return Fault{"too long", fmt::format("write at most {} bytes", max)};
  return std::nullopt;
}

bool is_name(std::string_view text) noexcept { return of_name_bytes(text, limits::kNameBytes); }

Judgement judge_name(std::string_view text) {
  if (is_name(text)) return std::nullopt;
  return Fault{"not a name", fmt::format("use letters, digits, '-' and '_', at most {}", limits::kNameBytes.max)};
}

bool is_instance_name(std::string_view text) noexcept {
  return of_name_bytes(text, limits::kInstanceBytes, ".") && text.front() != '.';
}

Judgement judge_instance(std::string_view text) {
  if (is_instance_name(text)) return std::nullopt;
  return Fault{"not a file name", "use letters, digits, '-', '_' and '.', not '.' first"};
}

Judgement judge_lcores(std::string_view text) {
  if (is_lcore_list(text)) return std::nullopt;
  return Fault{"not a list of cores", fmt::format("write numbers from 0 to {} like \"0\", \"0-3\" or \"1,4-5\"", kMaxLcore)};
}

Judgement judge_eal_arg(std::string_view text) {
  // getopt takes "--he" for it too, and letters without values in one word.
  const bool word = text.size() >= 4 && std::string_view("--help").starts_with(text);
  const std::size_t h = text.find('h');
  const bool letter = text.starts_with('-') && h != std::string_view::npos &&
                      text.substr(1, h - 1).find_first_not_of('v') == std::string_view::npos;
  if (!word && !letter) return std::nullopt;
  return Fault{"asks for DPDK's help, and nothing would be served", "leave it out"};
}

std::string_view device_name(std::string_view device) noexcept { return device.substr(0, device.find(',')); }

Judgement judge_device(std::string_view text) {
  if (text.starts_with("net_") || is_pci_address(text)) return std::nullopt;
  return Fault{"not a device", std::string(kDeviceRemedy)};
}

Judgement judge_mac(std::string_view text) {
  const auto mac = parse_mac(text);
  if (!mac) return Fault{"not a MAC address", "write six bytes like \"02:00:00:00:77:01\""};
  if (((*mac)[0] & 1U) != 0) return Fault{"a multicast MAC address", "make the first byte even"};
  if (*mac == std::array<std::uint8_t, 6>{}) {
    return Fault{"the zero MAC address", "write another, or remove the key for the device's own"};
  }
  return std::nullopt;
}

}  // namespace sluice::lib
