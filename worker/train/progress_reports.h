// Reports within an epoch: workers tell the chief how far they are, and the chief shows it.
//
//   kProgress   EpochTally::Serialize(), clock = the epoch, counted from 0
#pragma once

#include <cstdint>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// One worker's reports, at the chief those of all. About 500 of each worker in an epoch, by the
/// count of its slices rather than by time, so that a simulated job repeats exactly. Nobody waits
/// for a report. Not collective. Used by the rank's thread; borrows the mailbox and the printer,
/// which is used at the chief alone.
class ProgressReports {
 public:
  /// `n_slices` are those of an epoch over all workers. With ProgressStyle::kNone, which all
  /// workers have or none, nothing is sent.
  ProgressReports(const net::RoleMap& roles, ProgressStyle style, size_t n_tasks, int64_t n_slices,
                  net::Mailbox* mailbox, ProgressPrinter* printer);

  /// Begins an epoch, counted from 0.
  void BeginEpoch(int64_t epoch);
  /// Takes what this worker has done in the epoch, after each of its slices. Sends it to the chief
  /// when a report is due; at the chief, takes the others' reports and has the printer show them.
  /// Throws Error as TakeArrived does.
  void AfterSlice(const EpochTally& own);
  /// At the chief: takes the reports that have arrived, so that none are left behind the epoch.
  /// Those of other epochs are ignored. Throws Error on a report of a server, and, naming the rank,
  /// on one that is no tally of such a job.
  void TakeArrived();

  /// At the chief: the latest of every worker in the epoch.
  const std::vector<EpochTally>& tallies() const { return tallies_; }  // [n_workers]

 private:
  bool IsChief() const { return mailbox_->endpoint().rank() == roles_.ChiefRank(); }

  net::RoleMap roles_;
  ProgressStyle style_;
  size_t n_tasks_;
  int64_t interval_;  // slices of this worker from one report to the next
  net::Mailbox* mailbox_;
  ProgressPrinter* printer_;
  int64_t epoch_ = 0;
  int64_t n_done_ = 0;  // slices of this worker in the epoch
  std::vector<EpochTally> tallies_;
};

}  // namespace zhiyin::worker::train
