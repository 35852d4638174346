// A conversation as bytes, so that it can be damaged: what arrives at one rank, message after
// message.
//
//   offset  size  field         of each message
//        0     1  source        modulo the number of ranks
//        1     1  kind          modulo the number of kinds
//        2     8  request_id
//       10     8  clock
//       18     4  payload_bytes  more than are left means all that are left
//       22        payload
//
// Whatever the bytes, there is a conversation in them. Headers that are none have a target of their
// own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/endpoint.h"

namespace zhiyin::fuzz {

/// Appends a message that has arrived.
void AppendTo(std::string* script, const net::Frame& frame);

/// The messages of a script as they arrive at `rank`, none of them from itself, no reports of
/// failures (abort and stop, whose text is whatever the failed rank says).
std::vector<net::Frame> MessagesOf(std::string_view script, int rank, int n_ranks);

/// A rank's end of a network in which nobody listens and a script speaks. Its clock passes only
/// while the rank waits: each wait past the script's end costs no time.
class ScriptedEndpoint final : public net::Endpoint {
 public:
  ScriptedEndpoint(int rank, int n_ranks, std::vector<net::Frame> arriving)
      : rank_(rank), n_ranks_(n_ranks), arriving_(std::move(arriving)) {}

  int rank() const override { return rank_; }
  int n_ranks() const override { return n_ranks_; }
  std::string host() const override { return "scripted"; }
  double Now() const override { return now_s_; }
  bool TimeIsVirtual() const override { return true; }
  void Send(int, net::Frame) override {}
  std::optional<net::Frame> Poll() override;
  std::optional<net::Frame> Receive(double deadline) override;
  bool Flush(double) override { return true; }
  void NoteWaitingFor(const char*) override {}

 private:
  int rank_;
  int n_ranks_;
  std::vector<net::Frame> arriving_;
  size_t n_arrived_ = 0;
  double now_s_ = 0;
};

/// Another endpoint that writes down what arrives at it. Borrows it.
class RecordingEndpoint final : public net::Endpoint {
 public:
  explicit RecordingEndpoint(net::Endpoint* inner) : inner_(inner) {}
  const std::string& script() const { return script_; }

  int rank() const override { return inner_->rank(); }
  int n_ranks() const override { return inner_->n_ranks(); }
  std::string host() const override { return inner_->host(); }
  double Now() const override { return inner_->Now(); }
  bool TimeIsVirtual() const override { return inner_->TimeIsVirtual(); }
  void Send(int to, net::Frame frame) override { inner_->Send(to, std::move(frame)); }
  std::optional<net::Frame> Poll() override { return Noted(inner_->Poll()); }
  std::optional<net::Frame> Receive(double deadline) override {
    return Noted(inner_->Receive(deadline));
  }
  bool Flush(double deadline) override { return inner_->Flush(deadline); }
  void NoteWaitingFor(const char* what) override { inner_->NoteWaitingFor(what); }

 private:
  std::optional<net::Frame> Noted(std::optional<net::Frame> frame);

  net::Endpoint* inner_;
  std::string script_;
};

}  // namespace zhiyin::fuzz
