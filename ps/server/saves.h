// Writes the rows of a server to disk while the server continues to answer requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/net/mailbox.h"
#include "ps/save/row_saver.h"
#include "ps/server/replies.h"
#include "ps/server/state.h"

namespace zhiyin::ps::server {

/// Whether a path, with symbolic links resolved, lies inside a folder. Neither needs to exist.
bool IsInside(const std::string& path, const std::string& folder);

/// Runs the saves that the chief requests, one at a time. The file holds the rows as they were when
/// the request arrived. The server calls Continue until the save is over. Borrows all pointers that
/// it is given; used by the rank's thread.
class Saves {
 public:
  /// How long a server that waits for the disk leaves it alone.
  static constexpr std::chrono::microseconds kDiskPoll{100};

  /// `output_folder` is the only folder that files are written to; "": requests to save are
  /// refused.
  Saves(const std::string& output_folder, net::Mailbox* mailbox, ServerState* state,
        Replies* replies)
      : output_folder_(output_folder), mailbox_(mailbox), state_(state), replies_(replies) {}

  /// Begins a save and confirms that it has begun. Throws Error on a malformed request, and on one
  /// that no correct chief sends; a file that cannot be written is reported to the chief instead.
  void OnSave(const net::Frame& frame);
  bool IsUnderWay() const { return saver_ != nullptr; }
  /// Does some of the work, and reports the end to the chief. Returns false while the save waits
  /// for the disk. Sends heartbeats in either case, so the server may be idle or never idle
  /// meanwhile; none while the disk gives no answer for too long (net::Mailbox). REQUIRES:
  /// IsUnderWay().
  bool Continue();

 private:
  /// Advances the save; returns false while it waits for the disk.
  bool Advance();
  void SendHeartbeatWhileDiskIsBusy() { mailbox_->SendHeartbeatWhileDiskIsBusy(progress_at_s_); }
  void ReportFailure(const std::string& what);

  std::string output_folder_;
  net::Mailbox* mailbox_;
  ServerState* state_;
  Replies* replies_;
  std::unique_ptr<save::RowSaver> saver_;  // nullptr: no save is under way
  uint64_t request_id_ = 0;                // of the chief's request
  double progress_at_s_ = 0;               // endpoint's clock: when the save last came further
};

}  // namespace zhiyin::ps::server
