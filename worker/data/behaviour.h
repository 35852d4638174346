// The events of the training files: which user did what with which item, and when.
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

/// What data.behaviour of job.proto derives from the training files. Immutable; any number of
/// threads. Users and items are numbered in the order in which they first appear in the training
/// files; those that only a join names follow. Lines are numbered over all training files, without
/// headers; a line without a user, an item or a number as its time is no event (a Source reports
/// malformed lines).
class Behaviour {
 public:
  struct Event {
    int item = 0;
    double time = 0;
    int64_t row = 0;  // number of the line
  };

  /// Reads data.train.file and data.join. Throws Error where a file cannot be read, a column is not
  /// there, or an item holds a |. REQUIRES: the job has passed validation and has data.behaviour.
  static std::shared_ptr<const Behaviour> Read(const Job& job);

  const std::shared_ptr<const Joins>& joins() const { return joins_; }
  /// The file that data.join joins to items, by name; null where there is none.
  const JoinedFile* item_content() const { return item_content_; }

  int n_users() const { return static_cast<int>(users_.size()); }
  int n_items() const { return static_cast<int>(items_.size()); }
  const std::string& user(int user) const { return users_[static_cast<size_t>(user)]; }
  const std::string& item(int item) const { return items_[static_cast<size_t>(item)]; }
  /// Return -1 where there is none of that name.
  int FindUser(std::string_view name) const;
  int FindItem(std::string_view name) const;

  /// The training events of a user, by time, then line.
  std::span<const Event> events(int user) const { return events_[static_cast<size_t>(user)]; }
  /// The held-out events of a user, which are the test split, by time, then line.
  std::span<const Event> held_out(int user) const { return held_out_[static_cast<size_t>(user)]; }
  /// The number of training events of an item, and of all items.
  int64_t count(int item) const { return counts_[static_cast<size_t>(item)]; }
  int64_t n_events() const { return n_events_; }

  int64_t n_rows() const { return static_cast<int64_t>(user_of_row_.size()); }
  /// REQUIRES: row < n_rows(), here and below.
  bool IsHeldOut(int64_t row) const { return is_held_out_[static_cast<size_t>(row)]; }
  /// Whether the line is a training event, rather than an item that was only shown.
  bool IsLearnedEvent(int64_t row) const {
    return is_event_[static_cast<size_t>(row)] && !IsHeldOut(row);
  }
  /// The value of column `history` for a line of the training files, and for a user after all
  /// training events.
  std::string HistoryBefore(int64_t row) const;
  std::string HistoryOf(int user) const;
  /// The value of column `item_log_share`. An item without events counts as half an event.
  std::string LogShareOf(std::string_view item) const;
  /// Draws an item without an event of the line's user, by the rule of data.behaviour.negatives; -1
  /// where the user seems to have events with all items. REQUIRES: the job has negatives, and there
  /// are items.
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
  std::vector<bool> is_held_out_;    // [rows]
  std::vector<bool> is_event_;       // [rows]
  std::vector<int> user_of_row_;     // [rows]; -1: malformed
  std::vector<double> time_of_row_;  // [rows]
  // Only with negatives: the items of each user's training events, ascending.
  std::vector<std::vector<int>> items_of_;
  // Only with negatives by popularity: the cumulative weights of the items.
  std::vector<double> sums_;
};

}  // namespace zhiyin::worker::data
