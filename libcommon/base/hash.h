#pragma once
// Hashes of 128 bits, of which equality stands for equality of what was hashed, and the table that they
// index.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace wl::base {

struct Hash {
  uint64_t a = 0;
  uint64_t b = 0;  // odd in a finished hash, so that none is all zero

  bool operator==(const Hash&) const = default;
  /// Sum: the order of the parts does not matter.
  Hash operator+(const Hash& other) const { return {a + other.a, b + other.b}; }
};

/// Keyed by random numbers, so that nobody can make two flows collide on purpose: with n hashes the chance of
/// any two being equal is n² / 2^128.
class Hasher {
 public:
  /// Draws the numbers from the system.
  Hasher();

  [[nodiscard, gnu::always_inline]] Hash text(std::string_view text, uint64_t seed) const {
    Hash h{secret_[0] ^ seed, secret_[1] ^ text.size()};
    while (text.size() > 16) {
      const char* const at = text.data();
      h = mix(h, load(at), load(at + 8));
      text.remove_prefix(16);
    }
    const auto [low, high] = tail(text);
    return mix(h, low, high);
  }
  [[nodiscard]] Hash mix(Hash h, uint64_t x, uint64_t y) const {
    return {fold(h.a ^ x ^ secret_[2], h.b ^ y ^ secret_[3]),
            fold(h.b ^ x ^ secret_[4], h.a ^ y ^ secret_[5])};
  }
  /// Ends a hash made with text(), mix() and +.
  [[nodiscard]] static Hash finished(Hash h) { return {h.a, h.b | 1}; }

 private:
  static uint64_t load(const char* at) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return word;
  }
  static uint64_t load_half(const char* at) {
    uint32_t word = 0;
    std::memcpy(&word, at, 4);
    return word;
  }
  /// At most 16 bytes as two words, by overlapping loads; together with the size they are unique.
  static std::pair<uint64_t, uint64_t> tail(std::string_view text) {
    const char* const at = text.data();
    const size_t size = text.size();
    if (size >= 8) return {load(at), load(at + size - 8)};
    if (size >= 4) return {load_half(at), load_half(at + size - 4)};
    uint64_t word = 0;
    for (size_t i = 0; i < size; ++i) word = word << 8 | static_cast<uint8_t>(at[i]);
    return {word, 0};
  }
  static uint64_t fold(uint64_t x, uint64_t y) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{x} * y;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t secret_[6];
};

/// Open addressing with linear probing. An Entry has a public `Hash hash`, {0, 0} while it is free, and is
/// copied freely. Pointers to entries are good until the next insert or erase.
template <class Entry>
class HashTable {
 public:
  [[nodiscard]] Entry* find(const Hash& hash) {
    if (entries_.empty()) return nullptr;
    for (size_t at = hash.a & mask_;; at = (at + 1) & mask_) {
      Entry& entry = entries_[at];
      if (entry.hash == hash) return &entry;
      if (entry.hash == Hash{}) return nullptr;
    }
  }

  /// find() of it comes soon: memory is fetched meanwhile.
  void prefetch(const Hash& hash) const {
    if (!entries_.empty()) __builtin_prefetch(&entries_[hash.a & mask_]);
  }

  /// `entry.hash` is not in the table.
  Entry& insert(const Entry& entry) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    ++size_;
    return place(entry);
  }

  /// Closes the gap by moving back what was pushed past it.
  void erase(Entry* gone) {
    size_t hole = static_cast<size_t>(gone - entries_.data());
    for (size_t at = (hole + 1) & mask_; entries_[at].hash != Hash{}; at = (at + 1) & mask_) {
      const size_t home = entries_[at].hash.a & mask_;
      if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole] = Entry{};
    --size_;
  }

  template <class Visit>
  void each(const Visit& visit) {
    for (Entry& entry : entries_) {
      if (entry.hash != Hash{}) visit(entry);
    }
  }

  /// Keeps the entries of which `keep` is true.
  template <class Keep>
  void filter(const Keep& keep) {
    std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(entries_.size()));
    size_ = 0;
    for (const Entry& entry : old) {
      if (entry.hash == Hash{} || !keep(entry)) continue;
      ++size_;
      place(entry);
    }
  }

  /// Frees the memory.
  void clear() {
    entries_ = {};
    size_ = 0;
    mask_ = 0;
  }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  static constexpr size_t kFirstSize = 64;

  Entry& place(const Entry& entry) {
    size_t at = entry.hash.a & mask_;
    while (entries_[at].hash != Hash{}) at = (at + 1) & mask_;
    return entries_[at] = entry;
  }

  void grow() {
    const size_t size = entries_.empty() ? kFirstSize : entries_.size() * 2;
    std::vector<Entry> old = std::exchange(entries_, std::vector<Entry>(size));
    mask_ = size - 1;
    for (const Entry& entry : old) {
      if (entry.hash != Hash{}) place(entry);
    }
  }

  std::vector<Entry> entries_;
  size_t size_ = 0;
  size_t mask_ = 0;
};

}  // namespace wl::base
