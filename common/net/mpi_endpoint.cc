#include "common/net/mpi_endpoint.h"

#include <glog/logging.h>
#include <mpi.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <list>

#include "common/error.h"

namespace zhiyin {
namespace {

constexpr int kTag = 1;
/// Polls before the first sleep: about 2 us.
constexpr int kPollsBeforeSleep = 20;
constexpr double kShortestSleep = 20e-6;
constexpr double kLongestSleep = 2e-3;

void CheckMpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  Fail(call, ": ", std::string(text, static_cast<size_t>(length)));
}

void SleepFor(double seconds) {
  const timespec span{0, static_cast<long>(seconds * 1e9)};
  nanosleep(&span, nullptr);
}

class MpiEndpoint final : public Endpoint {
 public:
  MpiEndpoint() {
    CheckMpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    CheckMpi(MPI_Comm_size(MPI_COMM_WORLD, &n_ranks_), "MPI_Comm_size");
    char name[MPI_MAX_PROCESSOR_NAME];
    int length = 0;
    CheckMpi(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
    host_.assign(name, static_cast<size_t>(length));
  }

  int rank() const override { return rank_; }
  int n_ranks() const override { return n_ranks_; }
  std::string host() const override { return host_; }
  double Now() const override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  bool TimeIsVirtual() const override { return false; }
  void NoteWaitingFor(const char*) override {}

  void Send(int to, Frame frame) override {
    CHECK_NE(to, rank_);
    CHECK_LT(frame.bytes().size(), kMaxFrameBytes);
    Sending& sending = sending_.emplace_back();
    sending.frame = std::move(frame);
    const auto bytes = sending.frame.bytes();
    CheckMpi(MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, kTag, MPI_COMM_WORLD,
                       &sending.request),
             "MPI_Isend");
    ReleaseSent();
  }

  std::optional<Frame> Poll() override {
    ReleaseSent();
    StartReceiving();
    return TakeReceived();
  }

  std::optional<Frame> Receive(double deadline) override {
    double idle_since = 0;
    for (int n_polls = 0;; ++n_polls) {
      if (std::optional<Frame> frame = Poll()) return frame;
      if (n_polls < kPollsBeforeSleep) continue;
      const double now = Now();
      if (idle_since == 0) idle_since = now;
      if (now >= deadline) return std::nullopt;
      SleepFor(std::min(std::clamp((now - idle_since) / 8, kShortestSleep, kLongestSleep), deadline - now));
    }
  }

  bool Flush(double deadline) override {
    while (true) {
      ReleaseSent();
      if (sending_.empty()) return true;
      if (Now() >= deadline) return false;
      StartReceiving();  // the other side may be unable to take ours before we take its
      SleepFor(kShortestSleep);
    }
  }

 private:
  struct Sending {
    Frame frame;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  struct Receiving {
    Frame frame;
    int source = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    bool complete = false;
  };

  void ReleaseSent() {
    for (auto it = sending_.begin(); it != sending_.end();) {
      int done = 0;
      CheckMpi(MPI_Test(&it->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      it = done ? sending_.erase(it) : std::next(it);
    }
  }

  /// Matches one waiting message, if any, and starts to take it.
  void StartReceiving() {
    int found = 0;
    MPI_Message message;
    MPI_Status status;
    CheckMpi(MPI_Improbe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &found, &message, &status), "MPI_Improbe");
    if (!found) return;
    int n_bytes = 0;
    CheckMpi(MPI_Get_count(&status, MPI_BYTE, &n_bytes), "MPI_Get_count");
    if (n_bytes < static_cast<int>(sizeof(FrameHeader))) {
      Fail("message from rank ", status.MPI_SOURCE, ": ", n_bytes, " bytes, expected at least ",
           sizeof(FrameHeader));
    }
    Receiving& receiving = receiving_.emplace_back();
    receiving.frame = Frame::ForReceiving(static_cast<size_t>(n_bytes));
    receiving.source = status.MPI_SOURCE;
    CheckMpi(MPI_Imrecv(receiving.frame.bytes().data(), n_bytes, MPI_BYTE, &message, &receiving.request),
             "MPI_Imrecv");
  }

  /// The first complete frame that has no earlier one of its source before it: order within a pair is kept.
  std::optional<Frame> TakeReceived() {
    for (auto it = receiving_.begin(); it != receiving_.end(); ++it) {
      if (!it->complete) {
        int done = 0;
        CheckMpi(MPI_Test(&it->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        it->complete = done != 0;
      }
      if (!it->complete) continue;
      const bool overtakes =
          std::any_of(receiving_.begin(), it, [&](const Receiving& r) { return r.source == it->source; });
      if (overtakes) continue;
      Frame frame = std::move(it->frame);
      const int source = it->source;
      receiving_.erase(it);
      frame.Arrived(source);
      return frame;
    }
    return std::nullopt;
  }

  int rank_ = 0;
  int n_ranks_ = 0;
  std::string host_;
  std::list<Sending>
      sending_;  // a list: MPI keeps pointers to nothing of ours but the bytes; requests must not move
  std::list<Receiving> receiving_;
};

}  // namespace

class MpiWorld::Impl {
 public:
  MpiEndpoint endpoint;
};

MpiWorld::MpiWorld() {
  int provided = 0;
  CheckMpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED) Fail("MPI offers thread level ", provided, ", expected FUNNELED");
  CheckMpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  // A sleep of 20 us otherwise takes 70: Linux rounds it up by the timer slack.
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  impl_ = std::make_unique<Impl>();
}

MpiWorld::~MpiWorld() {
  impl_.reset();
  MPI_Finalize();
}

Endpoint& MpiWorld::endpoint() {
  return impl_->endpoint;
}

void MpiWorld::Abandon(int exit_code) {
  // MPI_Finalize would wait for ranks that may be gone, and MPI_Abort prints a banner of its own; mpirun ends
  // the others.
  std::_Exit(exit_code);
}

}  // namespace zhiyin
