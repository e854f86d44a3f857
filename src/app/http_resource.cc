// SPDX-License-Identifier: BSD-3-Clause
#include "app/http_resource.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::app {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 13> kReasons = {{
    {200, "OK"},
    {301, "Moved Permanently"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

bool read_fully(int fd, std::span<char> out) noexcept {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

// Lines of 64 characters; the block holds a whole number of them.
std::string generated_block(std::size_t size) {
  std::string block(size, '\0');
  for (std::size_t i = 0; i < size; ++i) block[i] = i % 64 == 63 ? '\n' : static_cast<char>('0' + i % 64 % 10);
  return block;
}

}  // namespace

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

std::string_view reason_phrase(unsigned status) noexcept {
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Unknown";
}

Resource::Resource(unsigned status, std::string_view type, std::string_view fields, std::uint64_t size) : size_(size) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\n");
  fields_at_ = head.size();
  head.append("Server: sluice\r\nContent-Type: ").append(type);
  head.append("\r\nContent-Length: ").append(std::to_string(size)).append("\r\n").append(fields);
  heads_[index(Persistence::kKeepAlive)] = head + "\r\n";
  heads_[index(Persistence::kKeepAlive10)] = head + "Connection: keep-alive\r\n\r\n";
  heads_[index(Persistence::kClose)] = head + "Connection: close\r\n\r\n";
  for (std::size_t i = 0; i < kPersistences; ++i) head_bytes_[i] = heads_[i].size();
}

void Resource::inline_body(std::string_view body) {
  for (std::string& head : heads_) head += body;
}

std::shared_ptr<const Resource> Resource::text(unsigned status, std::string_view type, std::string body,
                                               std::string_view fields) {
  std::shared_ptr<Resource> made(new Resource(status, type, fields, body.size()));
  if (made->is_inline()) {
    made->inline_body(body);
  } else {
    made->body_ = std::move(body);
  }
  return made;
}

std::shared_ptr<const Resource> Resource::generated(std::uint64_t size) {
  std::shared_ptr<Resource> made(new Resource(200, "text/plain", {}, size));
  if (made->is_inline()) {
    made->inline_body(generated_block(static_cast<std::size_t>(size)));
  } else {
    made->body_ = generated_block(static_cast<std::size_t>(std::min<std::uint64_t>(size, kPiece)));
  }
  return made;
}

std::shared_ptr<const Resource> Resource::file(File file, std::uint64_t size, std::string_view type,
                                               std::uint64_t in_memory_max) {
  if (size <= in_memory_max) {
    std::string body(static_cast<std::size_t>(size), '\0');
    if (!read_fully(file.fd(), body)) return nullptr;
    return text(200, type, std::move(body));
  }
  std::shared_ptr<Resource> made(new Resource(200, type, {}, size));
  made->file_ = std::move(file);
  return made;
}

std::span<const std::byte> Resource::piece(std::uint64_t offset, std::size_t max,
                                           std::span<std::byte, kPiece> scratch) const noexcept {
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(max, size_ - offset));
  if (file_.fd() >= 0) {
    const std::span<std::byte> into = scratch.first(std::min(want, kPiece));
    const ssize_t n = pread(file_.fd(), into.data(), into.size(), static_cast<off_t>(offset));
    return into.first(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  const auto at = static_cast<std::size_t>(offset % body_.size());
  return std::as_bytes(std::span(body_)).subspan(at, std::min(want, body_.size() - at));
}

std::shared_ptr<const Resource> error_resource(unsigned status) {
  static const auto all = [] {
    std::array<std::shared_ptr<const Resource>, kReasons.size()> made;
    for (std::size_t i = 0; i < kReasons.size(); ++i) {
      const auto& [code, reason] = kReasons[i];
      const std::string_view fields = code == 405 ? "Allow: GET, HEAD\r\n" : "";
      made[i] = Resource::text(code, "text/plain", std::string(reason) + "\n", fields);
    }
    return made;
  }();
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    if (kReasons[i].first == status) return all[i];
  }
  return error_resource(400);
}

}  // namespace sluice::app
