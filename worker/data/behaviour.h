// The user-item events of the training files, and what is derived from them: histories, held-out
// events, item shares and sampled negatives.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/data/joins.h"

namespace zhiyin::worker::data {

/// The events that data.behaviour of job.proto defines, by user. Immutable: used by any number of
/// threads at once.
///
/// Users and items are numbered from 0 in the order in which they first appear in the training
/// files; users and items that appear only in a file of data.join come after them. A `row` is the
/// number of a line, counted from 0 over all training files without their headers. A malformed
/// line, which here is also one without a user, an item or a numeric time, has a number but is not
/// an event; it is not reported here, but by the Source.
class Behaviour {
 public:
  struct Event {
    int item = 0;
    double time = 0;
    int64_t row = 0;  // the number of its line
  };

  /// Reads the files of data.train.file and data.join. Throws Error if a file cannot be read, a
  /// column is missing, or the name of an item contains "|". REQUIRES: the job has passed
  /// validation and has data.behaviour.
  static std::shared_ptr<const Behaviour> Read(const Job& job);

  const std::shared_ptr<const Joins>& joins() const { return joins_; }
  /// The file that data.join joins by item; nullptr if there is none. Owned by joins().
  const JoinedFile* item_content() const { return item_content_; }

  int n_users() const { return static_cast<int>(users_.size()); }
  int n_items() const { return static_cast<int>(items_.size()); }
  const std::string& user(int user) const { return users_[static_cast<size_t>(user)]; }
  const std::string& item(int item) const { return items_[static_cast<size_t>(item)]; }
  /// The number of the user, or item, with this name; -1 if there is none.
  int FindUser(std::string_view name) const;
  int FindItem(std::string_view name) const;

  /// The training events of a user, in order of time, then of line.
  std::span<const Event> events(int user) const { return events_[static_cast<size_t>(user)]; }
  /// The events of a user that are held out of training for the test split, in order of time, then
  /// of line.
  std::span<const Event> held_out(int user) const { return held_out_[static_cast<size_t>(user)]; }
  /// The number of training events of an item.
  int64_t count(int item) const { return counts_[static_cast<size_t>(item)]; }
  /// The number of training events of all items.
  int64_t n_events() const { return n_events_; }

  /// The number of lines of the training files, malformed ones included. All functions that take a
  /// `row` require 0 <= row < n_rows().
  int64_t n_rows() const { return static_cast<int64_t>(user_of_row_.size()); }
  /// Whether the line is held out of training, for the test split.
  bool IsHeldOut(int64_t row) const { return is_held_out_[static_cast<size_t>(row)]; }
  /// Whether the line is a training event: well-formed, not held out, and with a positive value in
  /// the column data.behaviour.event if the job names one (in other lines the item was only shown).
  bool IsLearnedEvent(int64_t row) const {
    return is_event_[static_cast<size_t>(row)] && !IsHeldOut(row);
  }
  /// The column `history` of a line: the last history_length training events of its user before
  /// this line, as names of items separated by "|", oldest first; "" for a malformed line.
  std::string HistoryBefore(int64_t row) const;
  /// The column `history` of a user after all training events; "" for user -1.
  std::string HistoryOf(int user) const;
  /// The column `item_log_share` of an item: ln(count(item) / n_events()), with seven significant
  /// digits; an item without training events counts as half an event.
  std::string LogShareOf(std::string_view item) const;
  /// Draws the number of an item that the line's user has no training event with, by the rule of
  /// data.behaviour.negatives. Returns -1 after 100 draws of other items. REQUIRES: the job has
  /// data.behaviour.negatives, there are items, and the line is well-formed.
  int DrawNegative(int64_t row, Random* random) const;

 private:
  Behaviour() = default;
  std::string History(std::span<const Event> before) const;
  void ReadFile(const Job& job, const std::string& path);
  void HoldOut(const zhiyin::Behaviour& config);
  void AddJoined(const zhiyin::Behaviour& config);

  std::shared_ptr<const Joins> joins_;
  const JoinedFile* item_content_ = nullptr;  // in joins_
  size_t history_length_ = 0;
  std::vector<std::string> users_;
  std::vector<std::string> items_;
  std::unordered_map<std::string, int> user_numbers_;
  std::unordered_map<std::string, int> item_numbers_;
  std::vector<std::vector<Event>> events_;
  std::vector<std::vector<Event>> held_out_;
  std::vector<int64_t> counts_;
  int64_t n_events_ = 0;
  std::vector<bool> is_held_out_;    // [n_rows]
  std::vector<bool> is_event_;       // [n_rows], held-out events included
  std::vector<int> user_of_row_;     // [n_rows]; -1: malformed
  std::vector<double> time_of_row_;  // [n_rows]
  // The items of each user's training events, ascending; filled only for jobs with negatives.
  std::vector<std::vector<int>> items_of_;
  // The cumulative weights count^power of the items; filled only for negatives by popularity.
  std::vector<double> sums_;
};

}  // namespace zhiyin::worker::data
