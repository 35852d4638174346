// The places of wanted columns in a JSON object, by their names: city, user.id, emb[3].
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zhiyin::worker::data {

/// A tree of the keys and list positions that lead to wanted columns.
///
/// Within an object a name is looked for as a key first, whatever characters it has. Otherwise it
/// is split at its first dot: the part before it is a key, and what follows is looked for, in this
/// way, in the object that the key holds. Positions in brackets at the end of such a part, from 0,
/// take an element of the list that its key holds. So a column may stand at several places of a
/// record, of which the one with the fewest splits counts. Used by one thread: Find learns the
/// order of keys.
class JsonPaths {
 public:
  /// A column that is looked for at a place, and the number of splits that led there.
  struct Place {
    size_t column = 0;
    int n_splits = 0;
  };

  /// A value of a record that matters.
  struct Node {
    std::string name;              // as in the columns' names, for messages
    std::string key;               // within its object; "" for an element of a list
    std::vector<Place> here;       // columns whose value this is
    std::vector<Place> in_object;  // columns whose value is within the object that this must be
    std::vector<Place> in_list;    // columns whose value is within the list that this must be
    std::map<size_t, std::unique_ptr<Node>> elements;
    /// The last record (by any count from 1) that had this value. For the caller.
    int64_t last_record = 0;

   private:
    friend class JsonPaths;
    struct Hash : std::hash<std::string_view> {
      using is_transparent = void;
    };
    std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> keys_;
    Node* first_ = nullptr;     // the key that an object began with, and
    Node* follower_ = nullptr;  // the key that followed this one, when last looked for
  };

  /// Throws Error for a name that can be no key: an empty one, and a position like "#7".
  explicit JsonPaths(std::span<const std::string> names);

  Node* root() { return &root_; }

  /// Returns the node of a key of the object `in`; null where it leads to no column. `previous`:
  /// the node returned last for this object; null where there is none.
  static Node* Find(Node* in, Node* previous, std::string_view key);

 private:
  void Add(size_t column, std::string_view name);

  Node root_;
};

}  // namespace zhiyin::worker::data
