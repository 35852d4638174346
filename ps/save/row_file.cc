#include "ps/save/row_file.h"

#include <array>

#include "common/bytes.h"
#include "common/error.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::save {
namespace {

const std::string& OrNone(const std::string& text) {
  static const std::string kNone = "that counts none";
  return text.empty() ? kNone : text;
}

std::string GetText(BlockReader* file, const char* what) {
  const uint32_t n_bytes = file->Get<uint32_t>();
  if (n_bytes > 4096)
    Fail(file->path(), ": ", what, " of ", n_bytes, " bytes at byte ", file->at());
  std::string text(n_bytes, '\0');
  file->Read(std::as_writable_bytes(std::span(text)));
  return text;
}

std::string PathOf(const std::string& folder, const Manifest::RowFile& entry) {
  if (entry.name().find('/') != std::string::npos)
    Fail(folder, ": the manifest names ", entry.name(), ", which is not in the folder");
  return folder + "/" + entry.name();
}

}  // namespace

std::vector<SavedTable> SavedTables(const Job& job) {
  std::vector<SavedTable> saved;
  for (const table::TableSpec& spec : table::TableSpecs(job))
    saved.push_back(
        {spec.name, table::LayoutOf(spec), table::Admission(spec.admission, spec.id, 0).Text()});
  return saved;
}

SavedOccurrences::SavedOccurrences(const table::Admission& admission, const Tick& tick) {
  std::deque<std::string> shards;
  for (int shard = 0; shard < kNumShards; ++shard) {
    tick();
    const std::string bytes = admission.SaveShard(shard);
    if (bytes.empty()) continue;
    ByteWriter piece;
    piece.Put(static_cast<uint32_t>(shard));
    piece.Put(static_cast<uint64_t>(bytes.size()));
    piece.PutBytes(bytes);
    shards.push_back(piece.Take());
  }
  ByteWriter n_shards;
  n_shards.Put(static_cast<uint32_t>(shards.size()));
  Add(n_shards.Take());
  for (std::string& shard : shards) Add(std::move(shard));
  uint32_t n_open = 0;
  admission.VisitOpen([&](uint64_t, std::span<const Key> keys) { n_open += keys.empty() ? 0 : 1; });
  ByteWriter open_steps;
  open_steps.Put(n_open);
  admission.VisitOpen([&](uint64_t step, std::span<const Key> keys) {
    if (keys.empty()) return;
    open_steps.Put(step);
    open_steps.Put(static_cast<uint64_t>(keys.size()));
    open_steps.PutBytes({reinterpret_cast<const char*>(keys.data()), keys.size_bytes()});
  });
  Add(open_steps.Take());
}

void SavedOccurrences::Add(std::string piece) {
  n_bytes_ += static_cast<int64_t>(piece.size());
  pieces_.push_back(std::move(piece));
}

bool SavedOccurrences::WriteSome(BlockWriter* file) {
  constexpr int64_t kBytesAtOnce = 256 << 10;
  for (const int64_t end = n_bytes_ - kBytesAtOnce; !pieces_.empty() && n_bytes_ > end;) {
    file->Write(std::as_bytes(std::span(pieces_.front())));
    n_bytes_ -= static_cast<int64_t>(pieces_.front().size());
    pieces_.pop_front();
  }
  return !pieces_.empty();
}

RowFile::RowFile(const std::string& folder, const Manifest& manifest, int number,
                 const std::vector<SavedTable>& tables, Beside beside, const Tick& tick)
    : file_(PathOf(folder, manifest.file(number)), beside, tick),
      tick_(tick),
      digest_(manifest.file(number).digest()),
      number_(number),
      n_files_(manifest.file_size()) {
  const Manifest::RowFile& entry = manifest.file(number);
  if (file_.n_file_bytes() != entry.n_bytes())
    Fail(file_.path(), ": ", file_.n_file_bytes(), " bytes, expected ", entry.n_bytes(),
         " as the manifest says");
  ReadHead(tables);
  if (is_changes_ != entry.is_changes())
    Fail(file_.path(), ": holds ", is_changes_ ? "what has changed" : "all rows",
         ", expected the other as the manifest says");
}

void RowFile::ReadHead(const std::vector<SavedTable>& tables) {
  std::array<char, kRowFileMagic.size()> magic;
  file_.Read(std::as_writable_bytes(std::span(magic)));
  const std::string_view start(magic.data(), magic.size());
  if (start == kOldRowFileMagic) {
    coding_ = table::ShardCoding::kDense;
  } else if (start != kRowFileMagic) {
    if (start.starts_with(kRowFileMagic.substr(0, 6)))
      Fail(file_.path(), ": rows in format ", start[6], ", expected ", kRowFileMagic[6],
           ": another version wrote it");
    Fail(file_.path(), ": not a file of rows");
  }
  const uint32_t is_changes = file_.Get<uint32_t>();
  if (is_changes > 1)
    Fail(file_.path(), ": damaged: ", is_changes, " at byte ", file_.at(), ", expected 0 or 1");
  is_changes_ = is_changes == 1;
  const uint32_t n_tables = file_.Get<uint32_t>();
  if (n_tables != tables.size())
    Fail(file_.path(), ": holds ", n_tables, " tables, expected ", tables.size());
  for (const SavedTable& table : tables) {
    const std::string name = GetText(&file_, "a table's name");
    const uint32_t dim = file_.Get<uint32_t>();
    const uint32_t number = file_.Get<uint32_t>();
    const uint32_t row_bytes = file_.Get<uint32_t>();
    const table::RowLayout& layout = table.layout;
    if (name != table.name || dim != static_cast<uint32_t>(layout.dim) ||
        number != static_cast<uint32_t>(layout.number) || row_bytes != layout.bytes()) {
      Fail(file_.path(), ": table ", name, " of dim ", dim, ", number type ", number, " and ",
           row_bytes, " bytes a row, expected ", table.name, " of dim ", layout.dim,
           ", number type ", static_cast<int>(layout.number), " and ", layout.bytes(),
           " bytes a row");
    }
    const std::string occurrences = GetText(&file_, "how occurrences are counted");
    if (occurrences != table.occurrences) {
      Fail(file_.path(), ": occurrences of table ", name, " were saved with admission ",
           OrNone(occurrences), ", expected ", OrNone(table.occurrences));
    }
    Head head{.row_bytes = layout.bytes(), .counts_occurrences = !occurrences.empty()};
    head.n_rows = file_.Get<uint64_t>();
    head.n_lost = file_.Get<uint64_t>();
    if (head.n_lost > (is_changes_ ? static_cast<uint64_t>(file_.n_left()) / sizeof(Key) : 0))
      Fail(file_.path(), ": ", head.n_lost, " keys of table ", name,
           " that lost their rows, before byte ", file_.at());
    heads_.push_back(head);
    names_.push_back(name);
  }
}

KeyPlace RowFile::PlaceHere(Key key) const {
  const TableId table = static_cast<TableId>(table_);
  if (ServerOf(table, key, n_files_) != number_)
    Fail(file_.path(), ": row ", key, " of table ", names_[table],
         " is out of its place, before byte ", file_.at());
  return PlaceOf(table, key);
}

void RowFile::BeginTable() {
  const Head& head = heads_[static_cast<size_t>(++table_)];
  const int64_t lost_at = file_.at();
  KeyPlace last;
  for (uint64_t n = head.n_lost; n > 0; --n) {
    const KeyPlace place = PlaceHere(file_.Get<Key>());
    if (place < last)
      Fail(file_.path(), ": row ", place.key, " of table ", names_[static_cast<size_t>(table_)],
           " is out of its place, before byte ", file_.at());
    last = place;
  }
  n_lost_left_ = head.n_lost;
  if (n_lost_left_ > 0) {
    if (!lost_file_)
      lost_file_ = std::make_unique<BlockReader>(file_.path(), Beside::kNobody, tick_);
    lost_file_->SkipTo(lost_at);
  }
  NextLost();
  n_left_ = head.n_rows;
  has_place_ = false;
  row_.resize(head.row_bytes);
}

bool RowFile::NextRow() {
  if (n_left_ == 0) return false;
  --n_left_;
  const Key key = file_.Get<Key>();
  file_.Read(row_);
  // The rows are ordered, so that none comes twice, and belong to this file.
  const KeyPlace place = PlaceHere(key);
  if (has_place_ && place <= place_)
    Fail(file_.path(), ": row ", key, " of table ", names_[static_cast<size_t>(table_)],
         " is out of its place, before byte ", file_.at());
  place_ = place;
  has_place_ = true;
  return true;
}

void RowFile::NextLost() {
  lost_.reset();
  if (n_lost_left_ == 0) return;
  --n_lost_left_;
  lost_ = PlaceOf(static_cast<TableId>(table_), lost_file_->Get<Key>());
}

bool RowFile::Lost(const KeyPlace& place) {
  while (lost_ && *lost_ < place) NextLost();
  return lost_ == place;
}

void RowFile::ReadOccurrences(const net::RoleMap& roles, int server, TableId table,
                              table::Admission* admission) {
  const bool counts = heads_[static_cast<size_t>(table_)].counts_occurrences;
  std::string bytes;
  const uint32_t n_shards = file_.Get<uint32_t>();
  if (n_shards > (counts ? kNumShards : 0))
    Fail(file_.path(), ": occurrences of ", n_shards, " shards at byte ", file_.at());
  for (uint32_t n = n_shards; n > 0; --n) {
    const uint32_t shard = file_.Get<uint32_t>();
    const uint64_t n_bytes = file_.Get<uint64_t>();
    if (shard >= kNumShards || n_bytes > static_cast<uint64_t>(file_.n_left()))
      Fail(file_.path(), ": occurrences of shard ", shard, " in ", n_bytes, " bytes at byte ",
           file_.at());
    bytes.resize(n_bytes);
    file_.Read(std::as_writable_bytes(std::span(bytes)));
    if (admission == nullptr || ServerOfShard(static_cast<int>(shard), roles.n_servers) != server)
      continue;
    try {
      admission->LoadShard(static_cast<int>(shard), bytes, coding_);
    } catch (const Error& e) {
      Fail(file_.path(), ": ", e.what(), ", before byte ", file_.at());
    }
  }
  const uint32_t n_open = file_.Get<uint32_t>();
  if (n_open > (counts ? table::Admission::kMaxOpenSteps : 0))
    Fail(file_.path(), ": occurrences of ", n_open, " open steps at byte ", file_.at());
  for (uint32_t n = n_open; n > 0; --n) {
    const uint64_t step = file_.Get<uint64_t>();
    for (uint64_t left = file_.Get<uint64_t>(); left > 0; --left) {
      const Key key = file_.Get<Key>();
      if (admission != nullptr && ServerOf(table, key, roles.n_servers) == server)
        admission->RestoreOpen(step, key);
    }
  }
}

void RowFile::Finish() {
  if (file_.n_left() != 0)
    Fail(file_.path(), ": ", file_.n_left(), " bytes too many at byte ", file_.at());
  if (file_.digest() != digest_) Fail(file_.path(), ": its content is not what the manifest says");
}

}  // namespace zhiyin::ps::save
