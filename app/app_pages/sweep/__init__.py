"""The Sweep page: which settings are worth it, and is the winner still one on other prompts?"""
