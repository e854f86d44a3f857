// SPDX-License-Identifier: BSD-3-Clause
// The files below `root = DIR`, opened when first asked for and kept in a bounded cache.
// One shard's thread, except open(): the starting thread. Opening and reading block on the
// file system: keep the root on a local one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "app/http_resource.h"
#include "sluice/error.h"
#include "sluice/time.h"

namespace sluice::app {

// The root directory, open; shared by all shards.
class FileRoot {
 public:
  static Result<std::shared_ptr<const FileRoot>> open(const std::string& path);
  // Never leaves the root, not by symbolic links either. fd < 0: errno says why.
  [[nodiscard]] File open_below(const std::string& relative) const noexcept;

 private:
  explicit FileRoot(File directory) noexcept : directory_(std::move(directory)) {}
  File directory_;
};

class FileCache {
 public:
  explicit FileCache(std::shared_ptr<const FileRoot> root) : root_(std::move(root)) {}

  // The answer to a GET of `target`: 200, 301, 400, 404, or 503 where a file that may be there cannot be opened now; never
  // null. A file that has changed is noticed within a second.
  std::shared_ptr<const Resource> find(std::string_view target, Instant now);

 private:
  static constexpr std::size_t kEntries = 256;
  static constexpr std::uint64_t kInMemoryMax = 128 * 1024;
  static constexpr Duration kTrust = Duration::seconds(1);

  struct Identity {
    std::uint64_t device = 0, inode = 0;
    // When its text was written, which anybody may set, and when anything of the file was changed.
    std::int64_t size = 0, written_s = 0, written_ns = 0, changed_s = 0, changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Entry {
    std::shared_ptr<const Resource> resource;
    Identity identity;
    Instant checked;
    Instant used;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  std::shared_ptr<const Resource> load(std::string_view path, Instant now);
  void make_room();
  // Lets go of the file that was unused for longest of those that only the cache holds open; false: there is none.
  bool close_one();
  File open_below_root(const std::string& name);

  std::shared_ptr<const FileRoot> root_;
  std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> entries_;
};

// The file of `file = PATH`, whole in memory unless it is very large.
[[nodiscard]] Result<std::shared_ptr<const Resource>> load_file(const std::string& path);

}  // namespace sluice::app
