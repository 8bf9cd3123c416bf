//! A bounded map without a list of uses.
//!
//! It has two generations: when the young one is full it becomes the old one, and what is used there moves up. So it
//! holds at most twice its capacity, and what is asked for again and again stays.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The holders of these locks do not panic between two states; a poisoned lock is as good as any.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bounded map of two generations.
#[derive(Debug)]
pub struct Generations<K, V> {
    capacity: usize,
    young: HashMap<K, Arc<V>>,
    old: HashMap<K, Arc<V>>,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, young: HashMap::new(), old: HashMap::new() }
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let (key, found) = self.old.remove_entry(key)?;
        self.insert(key, Arc::clone(&found));
        Some(found)
    }

    pub fn insert(&mut self, key: K, value: Arc<V>) {
        if self.capacity == 0 {
            return;
        }
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn it_stays_within_two_generations_and_keeps_what_is_used() {
        let mut cache: Generations<String, u32> = Generations::new(10);
        cache.insert("used".into(), Arc::new(0));
        for n in 1..1000 {
            cache.insert(n.to_string(), Arc::new(n));
            assert_eq!(*cache.get("used").unwrap(), 0, "after {n}");
            assert!(cache.young.len() + cache.old.len() <= 20);
        }
        assert_eq!(*cache.get("999").unwrap(), 999);
        assert!(cache.get("1").is_none());
    }

    #[test]
    fn without_capacity_it_keeps_nothing() {
        let mut cache: Generations<u32, u32> = Generations::new(0);
        cache.insert(1, Arc::new(1));
        assert!(cache.get(&1).is_none());
    }
}
