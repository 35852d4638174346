#include "common/net/mpi/mpi_endpoint.h"

#include <glog/logging.h>
#include <mpi.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <vector>

#include "common/error.h"
#include "common/net/mpi/crowded_host.h"

namespace zhiyin::net {
namespace {

enum Tag {
  kWholeFrame = 1,
  kHeaderAlone = 2,  // of a frame whose payload follows in parts
  kPayloadPart = 3,
};
/// Polls before the first sleep: about 2 us.
constexpr int kPollsBeforeSleep = 20;
constexpr double kShortestSleep = 20e-6;
constexpr double kLongestSleep = 2e-3;
/// Polls and sleeps where other ranks wake this one when there is something to do. A wake-up may be
/// missing once in a while: what Open MPI could not send at once goes on its way later, without
/// one.
constexpr int kPollsBeforeWakeUpSleep = 3;
constexpr double kShortestSleepWithWakeUp = 1e-3;
constexpr double kLongestSleepWithWakeUp = 5e-3;

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
  /// wake_ups: CrowdedHost::wake_ups(), borrowed.
  MpiEndpoint(size_t part_bytes, const std::vector<WakeUp*>& wake_ups)
      : part_bytes_(part_bytes), wake_ups_(wake_ups) {
    CheckMpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    CheckMpi(MPI_Comm_size(MPI_COMM_WORLD, &n_ranks_), "MPI_Comm_size");
    char name[MPI_MAX_PROCESSOR_NAME];
    int length = 0;
    CheckMpi(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
    host_.assign(name, static_cast<size_t>(length));
    own_wake_up_ = wake_ups_[static_cast<size_t>(rank_)];
    all_wake_ = std::find(wake_ups_.begin(), wake_ups_.end(), nullptr) == wake_ups_.end();
  }

  int rank() const override { return rank_; }
  int n_ranks() const override { return n_ranks_; }
  std::string host() const override { return host_; }
  double Now() const override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  bool TimeIsVirtual() const override { return false; }
  void NoteWaitingFor(const char*) override {}

  void Send(int to, Frame frame) override {
    CHECK_NE(to, rank_);
    CHECK_LT(frame.bytes().size(), kMaxFrameBytes);
    Transfer& sending = sending_.emplace_back();
    sending.frame = std::move(frame);
    const std::span<const std::byte> bytes = sending.frame.bytes();
    if (bytes.size() <= part_bytes_) {
      StartSending(bytes, to, kWholeFrame, &sending);
    } else {
      StartSending(bytes.first(sizeof(FrameHeader)), to, kHeaderAlone, &sending);
      for (size_t at = sizeof(FrameHeader); at < bytes.size(); at += part_bytes_)
        StartSending(bytes.subspan(at, std::min(part_bytes_, bytes.size() - at)), to, kPayloadPart,
                     &sending);
    }
    Wake(to);
    ReleaseSent();
  }

  std::optional<Frame> Poll() override {
    ReleaseSent();
    StartReceiving();
    return TakeReceived();
  }

  std::optional<Frame> Receive(double deadline) override {
    double idle_since = 0;
    bool was_woken = false;
    for (int n_polls = 0;; ++n_polls) {
      if (std::optional<Frame> frame = Poll()) return frame;
      if (n_polls < (own_wake_up_ != nullptr ? kPollsBeforeWakeUpSleep : kPollsBeforeSleep))
        continue;
      const double now = Now();
      if (idle_since == 0) idle_since = now;
      if (now >= deadline) return std::nullopt;
      const double idle_s = now - idle_since;
      if (own_wake_up_ == nullptr) {
        SleepFor(std::min(std::clamp(idle_s / 8, kShortestSleep, kLongestSleep), deadline - now));
        continue;
      }
      own_wake_up_->Announce();
      if (std::optional<Frame> frame = Poll()) {
        own_wake_up_->Retract();
        return frame;
      }
      // A large message may travel in pieces, without a wake-up for each.
      const bool in_pieces = !receiving_.empty() || (was_woken && !sending_.empty());
      const double shortest = all_wake_ && !in_pieces ? kShortestSleepWithWakeUp : kShortestSleep;
      if (!own_wake_up_->SleepFor(
              std::min(std::clamp(idle_s / 8, shortest, kLongestSleepWithWakeUp), deadline - now)))
        continue;
      was_woken = true;
      n_polls = 0;
      idle_since = 0;
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
  /// A frame under way, in one piece or in parts.
  struct Transfer {
    Frame frame;
    int source = -1;
    size_t n_started = 0;  // bytes for which there is or was a request
    std::vector<MPI_Request> requests;

    bool IsComplete() {
      if (n_started < frame.bytes().size()) return false;
      int done = 0;
      CheckMpi(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done,
                           MPI_STATUSES_IGNORE),
               "MPI_Testall");
      if (done) requests.clear();
      return done != 0;
    }
  };

  static void StartSending(std::span<const std::byte> bytes, int to, Tag tag, Transfer* sending) {
    MPI_Request& request = sending->requests.emplace_back(MPI_REQUEST_NULL);
    CheckMpi(MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag,
                       MPI_COMM_WORLD, &request),
             "MPI_Isend");
    sending->n_started += bytes.size();
  }

  void ReleaseSent() {
    std::erase_if(sending_, [](Transfer& sending) { return sending.IsComplete(); });
  }

  /// Matches one waiting message, if any, and starts to take it.
  void StartReceiving() {
    int found = 0;
    MPI_Message message;
    MPI_Status status;
    CheckMpi(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &found, &message, &status),
             "MPI_Improbe");
    if (!found) return;
    int n_bytes = 0;
    CheckMpi(MPI_Get_count(&status, MPI_BYTE, &n_bytes), "MPI_Get_count");
    const size_t n = static_cast<size_t>(n_bytes);
    if (status.MPI_TAG != kPayloadPart && n < sizeof(FrameHeader)) {
      Fail("message from rank ", status.MPI_SOURCE, ": ", n, " bytes, expected at least ",
           sizeof(FrameHeader));
    }
    if (status.MPI_TAG == kHeaderAlone) {
      FrameHeader header;
      CheckMpi(MPI_Mrecv(&header, sizeof(header), MPI_BYTE, &message, MPI_STATUS_IGNORE),
               "MPI_Mrecv");
      CheckHeader(header, status.MPI_SOURCE);
      Transfer& receiving = receiving_.emplace_back();
      receiving.source = status.MPI_SOURCE;
      receiving.frame = Frame::ForReceiving(sizeof(header) + header.payload_bytes);
      std::memcpy(receiving.frame.bytes().data(), &header, sizeof(header));
      receiving.n_started = sizeof(header);
      return;
    }
    Transfer* receiving = nullptr;
    if (status.MPI_TAG == kPayloadPart) {
      // Messages of a pair keep their order: the part belongs to the last header from there.
      const auto it = std::find_if(receiving_.rbegin(), receiving_.rend(), [&](const Transfer& t) {
        return t.source == status.MPI_SOURCE;
      });
      if (it == receiving_.rend() || it->frame.bytes().size() - it->n_started < n)
        Fail("message from rank ", status.MPI_SOURCE, ": a part of ", n,
             " bytes that belongs to no frame");
      receiving = &*it;
    } else {
      receiving = &receiving_.emplace_back();
      receiving->source = status.MPI_SOURCE;
      receiving->frame = Frame::ForReceiving(n);
    }
    MPI_Request& request = receiving->requests.emplace_back(MPI_REQUEST_NULL);
    CheckMpi(MPI_Imrecv(receiving->frame.bytes().data() + receiving->n_started, n_bytes, MPI_BYTE,
                        &message, &request),
             "MPI_Imrecv");
    receiving->n_started += n;
    Wake(status.MPI_SOURCE);  // it may have to send more, or can let go of the frame
  }

  /// The first complete frame that has no earlier one of its source before it: order within a pair
  /// is kept.
  std::optional<Frame> TakeReceived() {
    for (auto it = receiving_.begin(); it != receiving_.end(); ++it) {
      const bool overtakes = std::any_of(receiving_.begin(), it,
                                         [&](const Transfer& t) { return t.source == it->source; });
      if (overtakes || !it->IsComplete()) continue;
      Frame frame = std::move(it->frame);
      const int source = it->source;
      receiving_.erase(it);
      frame.Arrived(source);
      return frame;
    }
    return std::nullopt;
  }

  void Wake(int rank) const {
    if (WakeUp* const wake_up = wake_ups_[static_cast<size_t>(rank)]) wake_up->Wake();
  }

  int rank_ = 0;
  int n_ranks_ = 0;
  std::string host_;
  size_t part_bytes_;
  std::list<Transfer> sending_;  // lists, as they are left from the middle
  std::list<Transfer> receiving_;
  std::vector<WakeUp*> wake_ups_;  // [rank]; nullptr: it sleeps on none, or not here
  WakeUp* own_wake_up_ = nullptr;
  bool all_wake_ = false;
};

}  // namespace

class MpiWorld::Impl {
 public:
  explicit Impl(size_t part_bytes) : endpoint(part_bytes, crowded_host.wake_ups()) {}
  CrowdedHost crowded_host;
  MpiEndpoint endpoint;
};

MpiWorld::MpiWorld(size_t part_bytes) {
  int provided = 0;
  CheckMpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED)
    Fail("MPI offers thread level ", provided, ", expected FUNNELED");
  CheckMpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  // A sleep of 20 us otherwise takes 70: Linux rounds it up by the timer slack.
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  impl_ = std::make_unique<Impl>(part_bytes);
}

MpiWorld::~MpiWorld() {
  impl_.reset();
  MPI_Finalize();
}

Endpoint& MpiWorld::endpoint() {
  return impl_->endpoint;
}

void MpiWorld::Abandon(int exit_code) {
  // MPI_Finalize would wait for ranks that may be gone, and MPI_Abort prints a banner of its own;
  // mpirun ends the others.
  std::_Exit(exit_code);
}

}  // namespace zhiyin::net
