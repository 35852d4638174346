#include "worker/train/progress_reports.h"

#include <algorithm>
#include <optional>

#include "common/error.h"

namespace zhiyin::worker::train {
namespace {

/// Reports of a worker to the chief in an epoch.
constexpr int64_t kReportsPerEpoch = 500;
/// The slices from one report to the next, where the slices of an epoch are not known.
constexpr int64_t kSlicesOfReport = 64;

}  // namespace

ProgressReports::ProgressReports(const net::RoleMap& roles, ProgressStyle style, size_t n_tasks,
                                 int64_t n_slices, net::Mailbox* mailbox, ProgressPrinter* printer)
    : roles_(roles),
      style_(style),
      n_tasks_(n_tasks),
      interval_(n_slices > 0 ? std::max<int64_t>(1, n_slices / roles.n_workers / kReportsPerEpoch)
                             : kSlicesOfReport),
      mailbox_(mailbox),
      printer_(printer),
      tallies_(static_cast<size_t>(roles.n_workers)) {}

void ProgressReports::BeginEpoch(int64_t epoch) {
  epoch_ = epoch;
  n_done_ = 0;
  tallies_.assign(tallies_.size(), EpochTally());
}

void ProgressReports::AfterSlice(const EpochTally& own) {
  if (++n_done_ % interval_ != 0 || style_ == ProgressStyle::kNone) return;
  if (!IsChief()) {
    mailbox_->Send(roles_.ChiefRank(),
                   net::Frame(net::FrameKind::kProgress, mailbox_->NewRequestId(),
                              static_cast<uint64_t>(epoch_), own.Serialize()));
    return;
  }
  TakeArrived();
  tallies_[0] = own;
  printer_->Update(epoch_ + 1, tallies_);
}

void ProgressReports::TakeArrived() {
  while (std::optional<net::Frame> frame = mailbox_->Take({net::FrameKind::kProgress})) {
    if (frame->header().clock != static_cast<uint64_t>(epoch_)) continue;
    if (roles_.IsServer(frame->source()))
      Fail(net::NameOf(*frame), ", which is a server, expected one from a worker");
    tallies_[static_cast<size_t>(roles_.WorkerOfRank(frame->source()))] =
        FromRank(frame->source(), [&] { return EpochTally::Parse(frame->text(), n_tasks_); });
  }
}

}  // namespace zhiyin::worker::train
