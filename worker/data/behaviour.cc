#include "worker/data/behaviour.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/data/example_parser.h"
#include "worker/data/missing_values.h"
#include "worker/data/records.h"
#include "worker/data/value_counts.h"

namespace zhiyin::worker::data {
namespace {

constexpr EventTime kNoTime = std::numeric_limits<EventTime>::quiet_NaN();

std::string TextOfTime(EventTime time) {
  char text[64];
  const bool is_whole = time == std::floor(time) && std::abs(time) < 1e19L;
  std::snprintf(text, sizeof(text), is_whole ? "%.0Lf" : "%.15Lg", time);
  return text;
}

/// Says that two times differ by about a power of 1000, as those of different units do; "" where
/// they do not.
std::string HintAtUnits(EventTime from_time, EventTime time) {
  if (!(from_time > 0) || !(time > 0)) return "";
  const EventTime thousands = std::log10(time / from_time) / 3;
  const EventTime nearest = std::round(thousands);
  if (nearest == 0 || std::abs(thousands - nearest) > 0.1L) return "";
  return ", which is about " + TextOfTime(std::pow(1000.0L, nearest)) +
         " times as much: is one in seconds and the other in milliseconds, or the like?";
}

/// The positions of the columns that make a record an event.
struct EventColumns {
  EventColumns(const zhiyin::Behaviour& config, const Records& records)
      : user(PositionOf(config.user(), records)),
        item(PositionOf(config.item(), records)),
        time(PositionOf(config.time(), records)) {
    if (!config.event().empty()) event = PositionOf(config.event(), records);
  }

  size_t user;
  size_t item;
  size_t time;
  std::optional<size_t> event;

 private:
  static size_t PositionOf(const std::string& column, const Records& records) {
    const std::vector<std::string>& names = records.columns().names;
    const auto at = std::find(names.begin(), names.end(), column);
    const size_t position = static_cast<size_t>(at - names.begin());
    if (at == names.end() || !records.Has(position))
      Fail(records.columns().where, ": no column \"", column, "\" (data.behaviour)",
           Suggestion(column, names));
    return position;
  }
};

/// Keeps places at equal distances, which grow when there are many.
class SparsePlaces {
 public:
  explicit SparsePlaces(std::vector<Records::Place>* places) : places_(places) {}
  /// Notes where the records are, if they are to be noted there.
  void Note(const Records& records) {
    if (records.position() % every_ != 0) return;
    if (const std::optional<Records::Place> place = records.place()) places_->push_back(*place);
    if (places_->size() < kMost) return;
    every_ *= 2;
    std::erase_if(*places_, [this](const auto& place) { return place.position % every_ != 0; });
  }

 private:
  static constexpr size_t kMost = 1 << 20;
  std::vector<Records::Place>* places_;
  int64_t every_ = 32;
};

/// Whether a text is a word in lower case but for the case of its letters.
bool IsWord(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char c, char lower) {
    return (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) == lower;
  });
}

/// A value in the form for messages.
std::string TextOfValue(const Value& value) {
  if (value.kind() == Value::Kind::kNumber) return TextOf(value.number());
  if (value.kind() == Value::Kind::kList) return "a list";
  return std::string(value.text());
}

/// What says why no line of the training files is an event.
struct LinesRead {
  int64_t n = 0;
  int64_t n_malformed = 0;  // no record, or a time that is none
  ValueCounts events;       // the values of data.behaviour.event beside a user, an item and a time
};

/// Throws Error for files without any event, unless most of their lines are malformed, which the
/// Source will say.
void CheckWithoutEvents(const zhiyin::Behaviour& config, const LinesRead& lines) {
  constexpr const char* kNone = "no line of data.train is an event: ";
  if (lines.n_malformed > lines.n / 2) return;
  if (!lines.events.IsEmpty()) {
    Fail("data.behaviour.event: ", kNone, "column \"", config.event(), "\" has ",
         lines.events.Text(), ", expected numbers, above 0 in events");
  }
  if (lines.n > 0) {
    Fail("data.behaviour: ", kNone, "none of the ", lines.n, " has a user (column \"",
         config.user(), "\"), an item (column \"", config.item(), "\") and a time (column \"",
         config.time(), "\")");
  }
}

}  // namespace

std::optional<bool> HasHappened(const Value& value, const MissingValues& missing) {
  if (missing.Has(value) || IsWord(value.text(), "false")) return false;
  if (IsWord(value.text(), "true")) return true;
  double number = 0;
  if (!ReadNumber(value, &number)) return std::nullopt;
  return number > 0;
}

std::shared_ptr<Behaviour> Behaviour::Read(const Job& job, const Tick& tick, ReadCounts* counts) {
  const zhiyin::Behaviour& config = job.data().behaviour();
  std::shared_ptr<Behaviour> all(new Behaviour);
  all->joins_ = Joins::Read(job, tick, counts);
  all->history_length_ = static_cast<size_t>(config.history_length());
  const std::vector<int> item_of_row = all->ReadFiles(job, tick, counts);
  if (config.has_from_time())
    all->CheckFromTime("from_time", config.from_time(), job.data(), job.data().test());
  if (config.has_validation_from_time())
    all->CheckFromTime("validation_from_time", config.validation_from_time(), job.data(),
                       job.data().validation());
  all->SortEvents(tick);
  all->HoldOut(config, tick);
  all->AddJoined(config, tick);
  PieceTick piece_tick(tick);
  all->event_items_.Fill().reserve(all->event_rows_.size());
  for (const int64_t row : all->event_rows_.values()) {
    piece_tick();
    all->event_items_.Fill().push_back(item_of_row[static_cast<size_t>(row)]);
  }
  std::vector<int64_t>& item_counts = all->counts_.Fill();
  item_counts.resize(static_cast<size_t>(all->n_items()));
  for (int u = 0; u < all->n_users(); ++u) {
    piece_tick();
    for (const int item : all->events(u)) ++item_counts[static_cast<size_t>(item)];
    all->n_events_ += static_cast<int64_t>(all->events(u).size());
  }
  if (config.has_negatives()) all->PrepareNegatives(config.negatives(), tick);
  return all;
}

template <typename Archive>
void Behaviour::ShareOwn(Archive* archive) {
  users_.Share(archive);
  items_.Share(archive);
  archive->Array(&user_of_row_);
  archive->Array(&time_of_row_);
  archive->Array(&kinds_of_rows_);
  archive->Value(&time_kind_);
  archive->Array(&file_begins_);
  archive->Array(&places_);
  archive->Array(&begins_);
  archive->Array(&event_rows_);
  archive->Array(&event_items_);
  archive->Array(&counts_);
  archive->Value(&n_events_);
  archive->Array(&sorted_items_);
  archive->Array(&sums_);
}

void Behaviour::Share(HostWriter* writer) {
  joins_->Share(writer);
  ShareOwn(writer);
}

std::shared_ptr<Behaviour> Behaviour::ReadShared(const Job& job, HostReader* reader) {
  std::shared_ptr<Behaviour> shared(new Behaviour);
  shared->joins_ = Joins::ReadShared(job, reader);
  shared->item_content_ = shared->joins_->ByColumn(job.data().behaviour().item());
  shared->history_length_ = static_cast<size_t>(job.data().behaviour().history_length());
  shared->ShareOwn(reader);
  return shared;
}

void Behaviour::PrepareNegatives(const zhiyin::Behaviour::Negatives& config, const Tick& tick) {
  PieceTick piece_tick(tick);
  std::vector<int>& items = sorted_items_.Fill();
  items.assign(event_items_.values().begin(), event_items_.values().end());
  for (int u = 0; u < n_users(); ++u) {
    piece_tick();
    const auto begin =
        items.begin() + static_cast<ptrdiff_t>(begins_[kSplits * static_cast<size_t>(u)]);
    std::sort(begin, begin + static_cast<ptrdiff_t>(events(u).size()));
  }
  if (config.by() != zhiyin::Behaviour::Negatives::POPULARITY) return;
  double sum = 0;
  for (const int64_t n : counts_.values()) {
    piece_tick();
    sums_.Fill().push_back(sum += n == 0 ? 0 : std::pow(static_cast<double>(n), config.power()));
  }
}

std::vector<int> Behaviour::ReadFiles(const Job& job, const Tick& tick, ReadCounts* counts) {
  std::vector<int> item_of_row;
  std::vector<int>& user_of_row = user_of_row_.Fill();
  std::vector<RowKind>& kinds = kinds_of_rows_.Fill();
  const zhiyin::Behaviour& config = job.data().behaviour();
  const std::unique_ptr<Records> records =
      OpenRecords(job, job.data().train(), LabelUse::kIgnored, tick, counts);
  const EventColumns columns(config, *records);
  const size_t n_columns = static_cast<size_t>(records->columns().n);
  const MissingValues missing(job.data().text());
  PieceTick record_tick(tick);
  RecordView record;
  const auto text_of = [&](size_t column) {
    const Value& value = record.values[column];
    return missing.Has(value) ? std::string_view() : value.text();
  };
  const bool can_jump = records->CanJump();
  SparsePlaces places(&places_.Fill());
  LinesRead lines;
  bool has_events = false;
  for (;; ++lines.n) {
    if (can_jump) places.Note(*records);
    if (!records->Next(&record)) break;
    record_tick();
    const bool is_whole = record.wrong.empty() && record.values.size() == n_columns;
    const std::string_view user = is_whole ? text_of(columns.user) : std::string_view();
    const std::string_view item = is_whole ? text_of(columns.item) : std::string_view();
    const std::string_view time = is_whole ? text_of(columns.time) : std::string_view();
    const EventTime when = time.empty() ? kNoTime : ReadTime(time);
    std::optional<bool> happened = true;
    if (is_whole && columns.event) happened = HasHappened(record.values[*columns.event], missing);
    user_of_row.push_back(-1);
    item_of_row.push_back(-1);
    time_of_row_.Fill().emplace_back(when);
    kinds.emplace_back().has_wrong_event = !happened;
    lines.n_malformed += !is_whole || (!time.empty() && std::isnan(when));
    if (user.empty() || item.empty() || std::isnan(when)) continue;
    if (item.find('|') != std::string_view::npos)
      Fail(records->path(), ":", records->number(), ": item \"", item,
           "\", expected one without |, which separates items of a history");
    // Once there are events, nobody needs to know the values.
    if (columns.event && !has_events) lines.events.Add(TextOfValue(record.values[*columns.event]));
    if (!happened) continue;
    user_of_row.back() = users_.Add(user);
    item_of_row.back() = items_.Add(item);
    kinds.back().is_event = *happened;
    has_events |= *happened;
  }
  if (can_jump) file_begins_.Fill() = records->Begins();
  if (!has_events) CheckWithoutEvents(config, lines);
  return item_of_row;
}

EventTime Behaviour::ReadTime(std::string_view text) {
  const std::optional<ParsedTime> parsed = ParseTime(text);
  if (!parsed) return kNoTime;
  if (!time_kind_) time_kind_ = parsed->kind;
  return parsed->kind == *time_kind_ ? parsed->time : kNoTime;
}

void Behaviour::CheckFromTime(const char* name, EventTime from_time, const Data& data,
                              const Split& split) const {
  EventTime first = kNoTime;
  EventTime last = kNoTime;
  for (size_t row = 0; row < user_of_row_.size(); ++row) {
    if (user_of_row_[row] < 0) continue;
    first = std::fmin(first, time_of_row_[row].time());  // ignores a NaN
    last = std::fmax(last, time_of_row_[row].time());
  }
  const bool is_needed = std::equal(data.train().file().begin(), data.train().file().end(),
                                    split.file().begin(), split.file().end());
  const bool none_before = first >= from_time;
  const bool none_after = last < from_time && is_needed;
  if (!none_before && !none_after) return;
  Fail("data.behaviour.", name, ": is ", TextOfTime(from_time), ", but ",
       none_before ? "no time is before it" : "all times are before it", ": column \"",
       data.behaviour().time(), "\" has ", TextOfTime(first), " to ", TextOfTime(last),
       time_kind_ == TimeKind::kDate ? " in seconds since 1970" : "",
       HintAtUnits(from_time, (first + last) / 2));
}

Behaviour::HoldOutRule Behaviour::HoldOutRule::OfTest(const zhiyin::Behaviour& config) {
  HoldOutRule rule;
  rule.last = static_cast<size_t>(config.last());
  if (config.has_from_time()) rule.from_time = config.from_time();
  rule.end = config.share();
  rule.seed = config.seed();
  return rule;
}

Behaviour::HoldOutRule Behaviour::HoldOutRule::OfValidation(const zhiyin::Behaviour& config) {
  HoldOutRule rule;
  rule.last = static_cast<size_t>(config.validation_last());
  if (config.has_validation_from_time()) rule.from_time = config.validation_from_time();
  rule.begin = config.share();
  rule.end = rule.begin + config.validation_share();
  rule.seed = config.seed();
  return rule;
}

bool Behaviour::IsEarlier(int64_t row, int64_t other) const {
  return std::pair(TimeOf(row), row) < std::pair(TimeOf(other), other);
}

void Behaviour::SortEvents(const Tick& tick) {
  PieceTick piece_tick(tick);
  // Rows are counted, then put, by user.
  std::vector<size_t>& begins = begins_.Fill();
  begins.assign(kSplits * static_cast<size_t>(n_users()) + 1, 0);
  const auto for_events = [&](const auto& use) {
    for (int64_t row = 0; row < n_rows(); ++row) {
      piece_tick();
      if (kinds_of_rows_[static_cast<size_t>(row)].is_event)
        use(row, kSplits * static_cast<size_t>(user_of_row_[static_cast<size_t>(row)]));
    }
  };
  for_events([&](int64_t, size_t train) { ++begins[train + 1]; });
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<int64_t>& rows = event_rows_.Fill();
  rows.resize(begins.back());
  std::vector<size_t> next;
  for (int u = 0; u < n_users(); ++u) next.push_back(begins[kSplits * static_cast<size_t>(u)]);
  for_events([&](int64_t row, size_t train) { rows[next[train / kSplits]++] = row; });
  for (int u = 0; u < n_users(); ++u) {
    piece_tick();
    const size_t* const begin = &begins[kSplits * static_cast<size_t>(u)];
    std::sort(rows.begin() + static_cast<ptrdiff_t>(begin[0]),
              rows.begin() + static_cast<ptrdiff_t>(begin[1]),
              [this](int64_t row, int64_t other) { return IsEarlier(row, other); });
  }
}

void Behaviour::HoldOut(const zhiyin::Behaviour& config, const Tick& tick) {
  Mark(SplitKind::kTest, HoldOutRule::OfTest(config), tick);
  Mark(SplitKind::kValidation, HoldOutRule::OfValidation(config), tick);
  PieceTick user_tick(tick);
  for (int u = 0; u < n_users(); ++u) {
    user_tick();
    size_t* begins = &begins_.Fill()[kSplits * static_cast<size_t>(u)];
    std::vector<int64_t>& rows = event_rows_.Fill();
    const auto begin = rows.begin() + static_cast<ptrdiff_t>(begins[0]);
    const auto end = rows.begin() + static_cast<ptrdiff_t>(begins[kSplits]);
    const auto is_before = [this](int64_t row, int64_t other) { return split(row) < split(other); };
    std::stable_sort(begin, end, is_before);
    for (size_t kind = 1; kind < kSplits; ++kind) {
      const auto at = std::partition_point(
          begin, end, [&](int64_t row) { return static_cast<size_t>(split(row)) < kind; });
      begins[kind] = static_cast<size_t>(at - rows.begin());
    }
  }
}

void Behaviour::Mark(SplitKind kind, const HoldOutRule& rule, const Tick& tick) {
  PieceTick piece_tick(tick);
  // The first of the last events of each user that has more of them; -1 where there are no more.
  std::vector<int64_t> first(rule.last > 0 ? static_cast<size_t>(n_users()) : 0, -1);
  for (size_t u = 0; u < first.size(); ++u) {
    piece_tick();
    const std::span<const int64_t> own =
        PartOf(event_rows_, static_cast<int>(u), SplitKind::kTrain);
    size_t n = 0;
    int64_t last = -1;
    for (auto row = own.rbegin(); row != own.rend() && n <= rule.last; ++row) {
      if (IsHeldOut(*row)) continue;
      if (++n > rule.last) first[u] = last;
      last = *row;
    }
  }
  for (int64_t row = 0; row < n_rows(); ++row) {
    piece_tick();
    const int user = user_of_row_[static_cast<size_t>(row)];
    if (user < 0 || IsHeldOut(row)) continue;
    bool is_held_out = rule.from_time && TimeOf(row) >= *rule.from_time;
    if (rule.last > 0) {
      const int64_t from = first[static_cast<size_t>(user)];
      is_held_out = from >= 0 && !IsEarlier(row, from);
    }
    if (rule.end > rule.begin) {
      const double drawn = Random(rule.seed, static_cast<uint64_t>(row)).Uniform();
      is_held_out = drawn >= rule.begin && drawn < rule.end;
    }
    if (is_held_out) kinds_of_rows_.Fill()[static_cast<size_t>(row)].split = kind;
  }
}

void Behaviour::AddJoined(const zhiyin::Behaviour& config, const Tick& tick) {
  PieceTick line_tick(tick);
  if (const JoinedFile* users = joins_->ByColumn(config.user())) {
    for (int i = 0; i < users->n_lines(); ++i) {
      line_tick();
      users_.Add(users->key(i));
    }
    begins_.Fill().resize(kSplits * static_cast<size_t>(n_users()) + 1, begins_.Fill().back());
  }
  item_content_ = joins_->ByColumn(config.item());
  if (const JoinedFile* items = item_content_) {
    for (int i = 0; i < items->n_lines(); ++i) {
      line_tick();
      items_.Add(items->key(i));
    }
  }
}

int Behaviour::DrawNegative(int64_t row, Random* random) const {
  const std::span<const int> own =
      PartOf(sorted_items_, user_of_row_[static_cast<size_t>(row)], SplitKind::kTrain);
  constexpr int kTrials = 100;
  for (int i = 0; i < kTrials; ++i) {
    int item = 0;
    if (sums_.empty()) {
      item = static_cast<int>(random->Below(static_cast<uint64_t>(n_items())));
    } else {
      const std::span<const double> sums = sums_.values();
      const auto at = std::upper_bound(sums.begin(), sums.end(), random->Uniform() * sums.back());
      item = static_cast<int>(std::min(at, sums.end() - 1) - sums.begin());
    }
    if (!std::binary_search(own.begin(), own.end(), item)) return item;
  }
  return -1;
}

std::string Behaviour::History(std::span<const int> before) const {
  std::string history;
  for (const int number : before.last(std::min(before.size(), history_length_))) {
    if (!history.empty()) history += '|';
    history += item(number);
  }
  return history;
}

std::string Behaviour::HistoryBefore(int64_t row) const {
  const int user = user_of_row_[static_cast<size_t>(row)];
  if (user < 0) return "";
  const std::span<const int64_t> own = PartOf(event_rows_, user, SplitKind::kTrain);
  const auto end = std::lower_bound(own.begin(), own.end(), row,
                                    [this](int64_t a, int64_t b) { return IsEarlier(a, b); });
  return History(events(user).first(static_cast<size_t>(end - own.begin())));
}

std::string Behaviour::HistoryOf(int user) const {
  return user < 0 ? "" : History(events(user));
}

std::string Behaviour::HistoryOf(std::span<const std::string> items) const {
  std::string history;
  for (const std::string& name : items.last(std::min(items.size(), history_length_))) {
    if (!history.empty()) history += '|';
    history += name;
  }
  return history;
}

std::string Behaviour::LogShareOf(std::string_view item) const {
  const int number = FindItem(item);
  const double n = number < 0 ? 0 : static_cast<double>(count(number));
  char text[32];
  std::snprintf(text, sizeof(text), "%.7g",
                std::log(std::max(n, 0.5) / std::max<double>(static_cast<double>(n_events_), 1)));
  return text;
}

}  // namespace zhiyin::worker::data
