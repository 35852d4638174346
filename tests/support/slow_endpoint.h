// A rank that takes its time.
#pragma once

#include <deque>

#include "common/net/endpoint.h"

namespace zhiyin::testing {

/// Another endpoint, at which every push costs so much time more: what a worker takes to compute
/// it. Borrows the endpoint.
class SlowEndpoint final : public net::Endpoint {
 public:
  SlowEndpoint(net::Endpoint* inner, double push_s) : inner_(inner), push_s_(push_s) {}

  int rank() const override { return inner_->rank(); }
  int n_ranks() const override { return inner_->n_ranks(); }
  std::string host() const override { return inner_->host(); }
  double Now() const override { return inner_->Now(); }
  bool TimeIsVirtual() const override { return inner_->TimeIsVirtual(); }
  void Send(int to, net::Frame frame) override {
    if (frame.kind() == net::FrameKind::kPush) {
      const double until = Now() + push_s_;
      while (Now() < until) {
        if (std::optional<net::Frame> early = inner_->Receive(until))
          early_.push_back(std::move(*early));
      }
    }
    inner_->Send(to, std::move(frame));
  }
  std::optional<net::Frame> Poll() override {
    return early_.empty() ? inner_->Poll() : TakeEarly();
  }
  std::optional<net::Frame> Receive(double deadline) override {
    return early_.empty() ? inner_->Receive(deadline) : TakeEarly();
  }
  bool Flush(double deadline) override { return inner_->Flush(deadline); }
  void NoteWaitingFor(const char* what) override { inner_->NoteWaitingFor(what); }

 private:
  std::optional<net::Frame> TakeEarly() {
    std::optional<net::Frame> frame = std::move(early_.front());
    early_.pop_front();
    return frame;
  }

  net::Endpoint* inner_;
  double push_s_;
  std::deque<net::Frame> early_;  // came while this rank was busy
};

}  // namespace zhiyin::testing
