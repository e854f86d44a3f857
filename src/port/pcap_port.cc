// SPDX-License-Identifier: BSD-3-Clause
#include "port/pcap_port.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "port/frame.h"

namespace sluice::port {

namespace {

constexpr int kSnapLength = 262144;
constexpr std::int64_t kMicro = 1'000'000;
// Farther from 1970 no frame is believed to have been captured: the nanoseconds between two times are a number of 64 bits.
constexpr std::int64_t kSecondsMax = 4'500'000'000;

Error frame_error(const std::string& path, std::uint64_t frame, const std::string& text) {
  return {Errc::kInvalid, path + ": frame " + std::to_string(frame) + " " + text};
}

}  // namespace

Result<std::unique_ptr<PcapReader>> PcapReader::open(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  std::unique_ptr<PcapReader> reader(new PcapReader);
  reader->path_ = path;
  reader->file_ = path == "-" ? nullptr : pcap_open_offline(path.c_str(), why.data());
  if (reader->file_ == nullptr) {
    std::string_view reason = why.data();  // libpcap names the file in some of its messages only
    if (reason.starts_with(path + ": ")) reason.remove_prefix(path.size() + 2);
    return Error{Errc::kIo, path + ": cannot be read as a capture (" + std::string(reason) + ")"};
  }
  const int link = pcap_datalink(reader->file_);
  if (link != DLT_EN10MB) {
    const char* known = pcap_datalink_val_to_name(link);
    return Error{Errc::kInvalid, path + ": the link type is " + (known != nullptr ? known : std::to_string(link)) +
                                     ", must be Ethernet (EN10MB); capture on an Ethernet interface"};
  }
  return reader;
}

PcapReader::~PcapReader() {
  if (file_ != nullptr) pcap_close(file_);
}

Result<std::optional<CapturedFrame>> PcapReader::next() {
  pcap_pkthdr* header = nullptr;
  const unsigned char* data = nullptr;
  const int got = pcap_next_ex(file_, &header, &data);
  if (got == PCAP_ERROR_BREAK) return std::optional<CapturedFrame>();
  ++frames_;
  if (got != 1)
    return frame_error(path_, frames_,
                       "cannot be read (" + std::string(pcap_geterr(file_)) + "); is the file complete?");
  if (header->caplen < header->len) {
    return frame_error(path_, frames_,
                       "is cut short (" + std::to_string(header->caplen) + " of " + std::to_string(header->len) +
                           " bytes); capture whole frames (tcpdump -s 0)");
  }
  if (header->ts.tv_sec > kSecondsMax || header->ts.tv_sec < -kSecondsMax) {
    return frame_error(path_, frames_,
                       "was captured " + std::to_string(header->ts.tv_sec) + " s after 1970, must be " +
                           std::to_string(kSecondsMax) + " at most; correct its time (editcap -t)");
  }
  const std::int64_t us = static_cast<std::int64_t>(header->ts.tv_sec) * kMicro + header->ts.tv_usec;
  if (frames_ == 1) {
    origin_us_ = us;
  } else if (us < last_us_) {
    return frame_error(
        path_, frames_,
        "is " + std::to_string(last_us_ - us) + " us earlier than the one before it; sort the capture (reordercap)");
  }
  last_us_ = us;
  CapturedFrame frame;
  frame.bytes.assign(data, data + header->caplen);
  frame.at = Instant{} + Duration::microseconds(us - origin_us_);
  return std::optional(std::move(frame));
}

Result<CaptureSummary> check_capture(const std::string& path) {
  auto reader = PcapReader::open(path);
  if (!reader) return reader.error();
  CaptureSummary summary;
  for (;;) {
    auto frame = (*reader)->next();
    if (!frame) return frame.error();
    if (!frame->has_value()) break;
    ++summary.frames;
    summary.end = (*frame)->at;
    summary.longest = std::max(summary.longest, (*frame)->bytes.size());
  }
  summary.origin_us = (*reader)->origin_us();
  return summary;
}

Result<std::unique_ptr<PcapWriter>> PcapWriter::open(const std::string& path, std::int64_t origin_us) {
  std::unique_ptr<PcapWriter> writer(new PcapWriter);
  writer->path_ = path;
  writer->origin_us_ = origin_us;
  writer->format_ = pcap_open_dead(DLT_EN10MB, kSnapLength);
  writer->file_ = path == "-" ? nullptr : pcap_dump_open(writer->format_, path.c_str());
  if (writer->file_ == nullptr) {
    std::string_view reason = path == "-" ? "not a file" : pcap_geterr(writer->format_);
    if (reason.starts_with(path + ": ")) reason.remove_prefix(path.size() + 2);
    return Error{Errc::kIo, path + ": cannot be written (" + std::string(reason) + ")"};
  }
  return writer;
}

PcapWriter::~PcapWriter() {
  if (file_ != nullptr) pcap_dump_close(file_);
  if (format_ != nullptr) pcap_close(format_);
}

void PcapWriter::write(std::span<const std::uint8_t> frame, Instant at) noexcept {
  DCHECK(file_ != nullptr);
  const std::int64_t us = origin_us_ + at.us();
  pcap_pkthdr header{};
  header.ts.tv_sec = us / kMicro;
  header.ts.tv_usec = us % kMicro;
  header.caplen = static_cast<bpf_u_int32>(frame.size());
  header.len = header.caplen;
  pcap_dump(reinterpret_cast<unsigned char*>(file_), &header, frame.data());
}

Result<void> PcapWriter::close() {
  const bool flushed = pcap_dump_flush(file_) == 0 && std::ferror(pcap_dump_file(file_)) == 0;
  pcap_dump_close(std::exchange(file_, nullptr));
  if (!flushed) return Error{Errc::kIo, path_ + ": could not be written whole; is the disk full?"};
  return {};
}

PcapPort::PcapPort(std::string name, BufSource& source, PcapReader& reader, PcapWriter* writer, MacAddress mac,
                   std::uint8_t index)
    : name_(std::move(name)), source_(source), reader_(reader), writer_(writer), mac_(mac), index_(index) {
  stats_.name = name_;
  stats_.device = "pcap";
  stats_.link_up = true;
  read_next();
}

void PcapPort::read_next() {
  auto frame = reader_.next();
  if (frame) {
    waiting_ = std::move(*frame);
  } else {
    waiting_.reset();
    failure_ = frame.error();
  }
}

std::size_t PcapPort::receive(unsigned /*queue*/, std::span<Buf*> out, Instant now) noexcept {
  std::size_t n = 0;
  while (n < out.size() && waiting_ && waiting_->at <= now) {
    const auto& bytes = waiting_->bytes;
    Buf* buf = nullptr;
    if (source_.take(std::span(&buf, 1)) == 0) {
      ++stats_.rx_no_buffer;
    } else if (bytes.size() > buf->room_len - kBufHeadroom) {
      source_.give(std::span(&buf, 1));
      ++stats_.rx_missed;
    } else {
      buf->data = buf->room + kBufHeadroom;
      buf->len = static_cast<std::uint32_t>(bytes.size());
      std::memcpy(buf->data, bytes.data(), bytes.size());
      buf->refs = 1;
      buf->port = index_;
      out[n++] = buf;
      ++stats_.rx_frames;
      stats_.rx_bytes += bytes.size();
    }
    read_next();
  }
  return n;
}

std::size_t PcapPort::transmit(unsigned /*queue*/, std::span<Buf* const> frames, BufPool& pool, Instant now) noexcept {
  for (Buf* frame : frames) {
    linearise(*frame, scratch_);
    if (writer_ != nullptr) writer_->write(scratch_, now);
    ++stats_.tx_frames;
    stats_.tx_bytes += scratch_.size();
    retire_frame(frame, pool);
  }
  return frames.size();
}

}  // namespace sluice::port
