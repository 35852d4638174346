// Progress reports within an epoch: workers send their tallies to the chief, which prints them.
//
//   kProgress   EpochTally::Serialize(), clock = the epoch, counted from 0
#pragma once

#include <cstdint>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "worker/train/progress.h"

namespace zhiyin::worker::train {

/// Sends the reports of one worker; at the chief, receives those of all. A worker sends about 500
/// reports in an epoch, spaced by its slices rather than by time, so that a simulated job repeats
/// exactly. No rank waits for a report. Not collective. Used by the rank's thread; borrows the
/// mailbox and the printer, which is used at the chief only.
class ProgressReports {
 public:
  /// `n_slices` is the number of slices of an epoch, over all workers; 0 where it is not known.
  /// With ProgressStyle::kNone nothing is sent. REQUIRES: all workers have kNone, or none has.
  ProgressReports(const net::RoleMap& roles, ProgressStyle style, size_t n_tasks, int64_t n_slices,
                  net::Mailbox* mailbox, ProgressPrinter* printer);

  /// Begins an epoch, counted from 0.
  void BeginEpoch(int64_t epoch);
  /// Takes what this worker has done in the epoch, after each of its slices. Sends it to the chief
  /// when a report is due; at the chief, takes the others' reports and has the printer show them.
  /// Throws Error as TakeArrived does.
  void AfterSlice(const EpochTally& own);
  /// At the chief: takes the reports that have arrived, also at the end of an epoch, so that none
  /// is left over. Ignores reports of other epochs. Throws Error on a report from a server, and,
  /// naming the rank, on a malformed one.
  void TakeArrived();

  /// At the chief: the latest tally of every worker in the epoch.
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
