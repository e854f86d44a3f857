// SPDX-License-Identifier: BSD-3-Clause
// An answer that is ready to send: its head in every variant, and its body in memory,
// generated, or in a file. Immutable once made, so that shards may share one.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "app/http_request.h"
#include "sluice/error.h"

namespace sluice::app {

// Closes the descriptor it owns. Move-only.
class File {
 public:
  explicit File(int fd) noexcept : fd_(fd) {}
  File(File&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

class Resource {
 public:
  // Bodies up to this stand right behind their head, so that one send takes both.
  static constexpr std::size_t kInlineBody = 4096;
  static constexpr std::size_t kPiece = 65536;

  // `fields`: further header lines, each with its CRLF.
  static std::shared_ptr<const Resource> text(unsigned status, std::string_view type, std::string body,
                                              std::string_view fields = {});
  // `size` bytes of printable text.
  static std::shared_ptr<const Resource> generated(std::uint64_t size);
  // Files up to `in_memory_max` are read whole now. Larger ones are read while they are
  // sent: no mapping, since a file cut short would then end the engine. Null: reading failed.
  static std::shared_ptr<const Resource> file(File file, std::uint64_t size, std::string_view type,
                                              std::uint64_t in_memory_max);

  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return size_; }
  // It is read from a file that is open for as long as this lives.
  [[nodiscard]] bool holds_file() const noexcept { return file_.fd() >= 0; }
  // The body stands behind the head in whole().
  [[nodiscard]] bool is_inline() const noexcept { return size_ <= kInlineBody; }
  [[nodiscard]] std::string_view whole(Persistence persistence) const noexcept { return heads_[index(persistence)]; }
  [[nodiscard]] std::string_view head(Persistence persistence) const noexcept {
    return whole(persistence).substr(0, head_bytes_[index(persistence)]);
  }
  // Where a field may be put into whole() and head(): behind the status line.
  [[nodiscard]] std::size_t fields_at() const noexcept { return fields_at_; }
  // Bytes of the body from `offset` (< body_bytes()) on, at most `max`, in memory or read into
  // `scratch`. Empty: the file has become shorter.
  [[nodiscard]] std::span<const std::byte> piece(std::uint64_t offset, std::size_t max,
                                                 std::span<std::byte, kPiece> scratch) const noexcept;

 private:
  Resource(unsigned status, std::string_view type, std::string_view fields, std::uint64_t size);
  static std::size_t index(Persistence persistence) noexcept { return static_cast<std::size_t>(persistence); }
  void inline_body(std::string_view body);

  std::uint64_t size_;
  std::size_t fields_at_ = 0;
  std::array<std::string, kPersistences> heads_;
  std::array<std::size_t, kPersistences> head_bytes_{};
  std::string body_;  // all of it, or the block that repeats
  File file_{-1};
};

// "Not Found" for 404. Static storage.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

// Answers of every status that this server gives beside 200 and 301, made once.
[[nodiscard]] std::shared_ptr<const Resource> error_resource(unsigned status);

}  // namespace sluice::app
