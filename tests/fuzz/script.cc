#include "tests/fuzz/script.h"

#include <algorithm>
#include <cstring>

namespace zhiyin::fuzz {
namespace {

constexpr size_t kNumKinds = static_cast<size_t>(net::FrameKind::kGoodbye);

/// Cuts numbers off the front of a script; past its end they are 0.
template <typename T>
T Cut(std::string_view* script) {
  T value = 0;
  const size_t n = std::min(sizeof(T), script->size());
  std::memcpy(&value, script->data(), n);
  script->remove_prefix(n);
  return value;
}

template <typename T>
void Append(std::string* script, T value) {
  script->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

bool IsFailure(net::FrameKind kind) {
  return kind == net::FrameKind::kAbort || kind == net::FrameKind::kStop;
}

}  // namespace

void AppendTo(std::string* script, const net::Frame& frame) {
  Append(script, static_cast<uint8_t>(frame.source()));
  Append(script, static_cast<uint8_t>(static_cast<size_t>(frame.kind()) - 1));
  Append(script, frame.header().request_id);
  Append(script, frame.header().clock);
  Append(script, static_cast<uint32_t>(frame.text().size()));
  script->append(frame.text());
}

std::vector<net::Frame> MessagesOf(std::string_view script, int rank, int n_ranks) {
  std::vector<net::Frame> messages;
  while (!script.empty()) {
    const int byte = Cut<uint8_t>(&script) % n_ranks;
    const int source = byte == rank ? (rank + 1) % n_ranks : byte;
    const net::FrameKind kind = static_cast<net::FrameKind>(1 + Cut<uint8_t>(&script) % kNumKinds);
    const uint64_t request_id = Cut<uint64_t>(&script);
    const uint64_t clock = Cut<uint64_t>(&script);
    const uint32_t n_announced = Cut<uint32_t>(&script);
    const std::string_view payload = script.substr(0, n_announced);
    net::Frame frame(kind, request_id, clock, payload);
    script.remove_prefix(payload.size());
    if (IsFailure(kind)) continue;
    frame.Arrived(source);
    messages.push_back(std::move(frame));
  }
  return messages;
}

std::optional<net::Frame> ScriptedEndpoint::Poll() {
  if (n_arrived_ == arriving_.size()) return std::nullopt;
  return std::move(arriving_[n_arrived_++]);
}

std::optional<net::Frame> ScriptedEndpoint::Receive(double deadline) {
  std::optional<net::Frame> frame = Poll();
  if (!frame) now_s_ = deadline;
  return frame;
}

std::optional<net::Frame> RecordingEndpoint::Noted(std::optional<net::Frame> frame) {
  if (frame) AppendTo(&script_, *frame);
  return frame;
}

}  // namespace zhiyin::fuzz
